"""Ordinary words that follow a word for a secret in a sentence: what follows and is none of them may be the secret itself."""

from __future__ import annotations

import re

from daganalysis.redaction.engine_words import ENGINE_WORDS

PLAIN_WORDS = ENGINE_WORDS | frozenset(
    """
    about above access accessor active admins after agents algorithm already also alternative always another apply area around array
    attempts automation back based because before begin behind being below between block body both boundary broker bucket buckets button
    bytes cache callback candidate carrier catalog chain change changes channel character characters child choice class clear client
    closed cluster clusters code codec collector column columns comes command complexity config content contents context control cookie
    copy count counter credentials currently custom cycle daemon data date days deadline decoder default definition delay descriptor
    detail details device dialog differs digest directly does done down during early element else email empty encoder endpoint enough
    entries entry equal error errors even event every exact exists expires expiry export factory false fault feature fetch field fields
    files fill filter final first flow folder follows form format forms found frame full further gate general given grace grant grants
    group groups guard handle handler hash have header headers held hello help helper here hint history holder hook hours however human
    identity import inline inner input inputs inside instead into invite issue issuer item items itself job jobs keep key keys keyword
    kind know label labels later latest layer least left length letters level life lifetime likely limit limits line lines link list lists
    load local lock locks longer loop made mail management manager many mark mask match matches maximum mean meets memory metadata
    middleware migrate migration minimum minutes mismatch misses mode model module month months more most much must name names need needs
    negotiation neither never next node nodes none nothing notice number object objects often older once only open option options order
    other otherwise output outside over own owner package page pair parse parser part parts path pattern payload per period phase phrase
    plan plugin point policies policy port prefix present previous problem process profile prompt properties property protocol provider
    proxy public queue quick quite quota random range rate rather raw reader really reason record recovery refresh region registry regular
    relay release rename renewal replace report requirement requirements reset resolver response rest reuse review role roles rotate
    rotation round rule rules same sanity schema scheme scope script search section seems seen self sensor serial servers service services
    setting settings setup share should show shown side sign signature signer simple since size slot small smoke some source space
    specific state status step still storage store stores stream strength strict string strings suffix support switch syntax table take
    taken target template term terms text than the their them there these they thing third those though three through till time timer times
    today together tool tools total trace true twice two types unit units unless until upon usage usual validator validity value values
    variable variables vault vaults verifier very view violation volume warning watcher weeks well were what where whether while whole
    whose wide window within without word words work would write writer yaml year years yet zero mysql native caching sha256 sha2 sha1 md5
    oauth oauth2 bearer basic ldap kerberos base64 json http https ssh ssl tls aes rsa utf8 gbk root sys proxyro public private primary
    secondary file linux windows python java golang kubernetes docker
    """.split()  # noqa: SIM905 - hundreds of words read better without quotes
)
_PARTS = re.compile(r"[A-Za-z]+|\d+|[^A-Za-z\d]+")
_ENDING = re.compile(
    r".{2,}(?:ed|ing|ly|able|ible|ful|less|tion|sion|ment|ness|ity|ance|ence|ive|ical|ation|izer|ism|ship|ated|ized|er|or|est)s?"
)


def is_plain(text: str) -> bool:
    """Return whether a text is an ordinary word, or several joined.

    >>> is_plain("authentication_failed"), is_plain("mangoleaf"), is_plain("policy3")
    (True, False, True)
    """
    words = [part.lower() for part in _PARTS.findall(text) if part.isalpha()]
    is_joined = text.replace("_", "").replace("-", "").replace(".", "").isalnum()
    digits = sum(map(str.isdigit, text))
    return is_joined and digits < 3 and all(len(word) < 3 or word in PLAIN_WORDS or _ENDING.fullmatch(word) for word in words)
