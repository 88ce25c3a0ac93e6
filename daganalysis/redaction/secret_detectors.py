"""Detectors of secrets: one row for each way in which scripts, SQL, shells, headers and markup write one.

In a pattern, the group ``s`` is what is replaced as a secret, ``u`` as a user, ``h`` as a host; ``q`` is the quote that opens a value.
"""

from __future__ import annotations

from daganalysis.redaction.detector import Detector

SECRET_WORD = (
    r"(?:passw(?:or)?d|passphrase|passcode|pwd|secret|token|credential|authorization|cookie|x-ocs-header|[_-]pw|rootpw|userpw|dbpw|bindpw"  # noqa: S105
    r"|(?:access|api|private|session|signing|encryption)[_-]?(?:key|id)|密码|口令|密钥|私钥|令牌|凭证|验证码)"
)
SHORT_SECRET_WORD = r"(?:pass|pw|auth|sk|ak|session|sess|sid|sig|signature|otp)"  # noqa: S105
"""Words that announce a secret only before an equals sign, or as a key."""
_MARK = r"(?:\\{0,15}[\"'`])"
_END = r"(?!\s|$|[\"'\\]?[)}\];,.]*(?:\s|$)|[\"']?\s*[\w.@-]{1,40}\\{0,15}[\"']?\s*[=:])"
_BARE = rf"(?:[^\s\"'\\,;&(){{}}\[\]<>|]|[,;&(){{}}\[\]<>|\"']{_END}|\\(?![\"'nrt\\]))"
QUOTED = (
    r"(?P<q>\\{0,15}[\"'`])(?!\s|[;,]\s)(?P<s>(?:''(?=[^\s,;)'])|(?!(?<!\\)(?P=q))[^\r\n]){1,4096}?)"
    r"(?:(?<!\\)(?=(?P=q))|(?=[\r\n]|\Z))"
)
_VALUE = rf"(?:{QUOTED}|(?P<t>{_BARE}{{1,4096}}))"
_TELLING = r"(?=[^\s\d]{0,40}\d)(?=[^\sA-Za-z]{0,40}[A-Za-z])(?=\S{6})"
_STRING = r"(?:\\{0,15}'(?:[^'\\\r\n]|''|\\[^'\r\n]){1,4096}\\{0,15}'|\\{0,15}\"(?:[^\"\\\r\n]|\"\"|\\[^\"\r\n]){1,4096}\\{0,15}\")"
_HEADER = (
    r"(?:(?:set-)?cookie2?|(?:proxy-|www-)?authorization|x-ocs-[\w-]{1,40}|x-(?:[\w-]{0,40})"
    r"(?:token|auth|key|secret|signature|session)[\w-]{0,40})"
)
_CLIENT = r"(?:mysql\w*|obclient|obd|obshell|obloader|obdumper|sshpass|docker|podman|mycli|mongo\w*|psql|xtrabackup|redis-cli|ldapsearch)"

SECRET_DETECTORS: tuple[Detector, ...] = (
    Detector(
        "pem",
        r"-----BEGIN\ [A-Z0-9 ]+-----.*?(?:-----END\ [A-Z0-9 ]+-----|\Z)",
        "a key or a certificate, whole",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEow<<Kj8s>>Q2mZx\n-----END RSA PRIVATE KEY-----",
        "-----BEGINNING OF THE LOG-----",
        whole="secret",
    ),
    Detector(
        "markup",
        rf"<(?i:[\w:-]{{0,40}}(?:{SECRET_WORD}|{SHORT_SECRET_WORD}))[\w-]{{0,40}}(?:\s[^<>]{{0,200}})?>(?P<s>[^<]{{1,4096}})(?=</)",
        "the text of an XML element that is called like a secret",
        "<dbPassword enc='no'><<Kj8sQ2mZx>></dbPassword>",
        "<status>done</status>",
    ),
    Detector(
        "jwt",
        r"(?<!\w)eyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*",
        "a JSON web token",
        "jwt <<eyJKj8sQ2mZx.eyJKj8sQ2mZx.Kj8sQ2mZx_x>>",
        "eyJ is how they begin",
        whole="secret",
    ),
    Detector(
        "crypt",
        r"(?<![\w$])\$(?:1|2[abxy]?|5|6|7|y|gy|apr1|sha1|scrypt|argon2\w{1,3}|pbkdf2[\w-]{0,20})\$[\w./$,=+-]{8,}|(?<![\w*])\*[0-9A-F]{40}(?!\w)"
        r"|\{S?SHA\d{0,3}\}[\w+/=]{16,}",
        "a crypt, MySQL or LDAP hash of a password",
        "root:<<$6$Kj8sQ2mZ$Kj8sQ2mZxKj8sQ2mZx/a.b>>:19000",
        "echo $1 $2",
        whole="secret",
    ),
    Detector(
        "header",
        rf"(?<![\w-])(?:(?<=[\"'])(?i:{_HEADER})\s{{0,8}}[:=]\s{{0,8}}(?P<s>[^\"'\\\r\n]+)"
        rf"|(?i:{_HEADER})(?:\\{{0,15}}[\"'])?\s{{0,8}}[:=]\s{{0,8}}(?P<t>[^\r\n]+))",
        "the value of a header that authenticates, to the end of the line or of the quotes",
        "curl -H 'X-OCS-Header: <<Kj8s Q2mZx>>' -s",
        "Content-Type: application/json",
    ),
    Detector(
        "bearer",
        r"(?<!\w)(?i:bearer|basic|apikey)\s+(?P<s>(?=[^\s]{0,60}[\dA-Z+/=_.])[A-Za-z0-9+/=._~-]{8,})",
        "what follows a scheme of authentication",
        "Bearer <<abcdEFGH1234.zzzz-yyyy>>",
        "basic maintenance of the cluster",
    ),
    Detector(
        "identified",
        rf"(?i:identified\s+(?:by(?:\s+(?:password|values))?|(?:with|via)\s+\S{{1,60}}\s+(?:as|by|using)))\s+"
        rf"(?P<m>{_STRING}(?:\s{{0,8}},\s{{0,8}}{_STRING}|\s+(?i:replace)\s+{_STRING})*)",
        "every password of IDENTIFIED BY, and what follows a doubled quote",
        "alter user r identified by '<<Kj8s>>''<<Q2mZx>>', '<<Wn5tVbRq>>'",
        "the user was identified by name",
    ),
    Detector(
        "identified_bare",
        rf"(?i:identified\s+(?:by(?:\s+(?:password|values))?|(?:with|via)\s+\S{{1,60}}\s+(?:as|by|using)))\s+(?P<t>(?!name\b|id\b|the\b){_BARE}{{1,4096}})",
        "a password of IDENTIFIED BY without quotes",
        "alter user root identified by <<Kj8sQ2mZx>>",
        "the user was identified by name",
    ),
    Detector(
        "set_password",
        rf"(?i:set\s+password)(?:\s+(?i:for)\s+{_MARK}?(?P<u>[A-Za-z][\w.-]{{0,64}})[^\s=]{{0,80}})?\s{{0,8}}(?:=|(?i:to))\s{{0,8}}(?:(?i:password|old_password)\s{{0,2}}\(\s{{0,2}})?{_VALUE}",
        "the password of SET PASSWORD, and its user",
        "set password for root = '<<Kj8sQ2mZx>>'",
        "Set password",
    ),
    Detector(
        "secret",
        rf"""(?i:{SECRET_WORD})(?:[\w-]{{0,40}}?)\\{{0,15}}["'`]?(?:\s{{0,8}}(?::=|=>|==|->|=|:|：)\s{{0,8}}|\s{{0,2}}\(\s{{0,2}}(?=\\{{0,15}}["'])|(?<=[\u4e00-\u9fff])(?:是|为)\s{{0,4}})"""
        rf"(?:(?i:bearer|basic)\s+)?{_VALUE}",
        "what a secret's label is followed by",
        "connect with password=<<Kj8s,Q2(m;Zx>> user=root",
        "Modify password: start",
    ),
    Detector(
        "short_label",
        rf"(?<![A-Za-z0-9])(?i:[a-z0-9]{{1,30}}[_-])?(?i:{SHORT_SECRET_WORD})\\{{0,15}}[\"']?\s{{0,4}}=\s{{0,4}}{_VALUE}",
        "what a short label and an equals sign are followed by",
        "pass=<<Kj8sQ2mZx>>",
        "the pass is over",
    ),
    Detector(
        "short_colon",
        rf"(?:(?<![^\s,{{])|(?<=[\"']))(?i:pass|passcode|auth|sk|ak)\\{{0,15}}[\"']?\s{{0,4}}:\s{{0,4}}(?:{_TELLING}(?P<t>{_BARE}{{1,4096}})|{QUOTED})",
        "what a short label and a colon are followed by",
        "sk: <<Kj8sQ2mZx>>",
        "first pass: done",
    ),
    Detector(
        "curl_user",
        rf"(?<=\s)(?:-u|-U|--user|--proxy-user)[\s=]{{0,4}}{_MARK}?(?P<u>[A-Za-z][\w.@+#-]{{0,128}}):(?P<s>[^\s\"'`]{{1,4096}})",
        "the user and the password that curl is given",
        "curl -s -u root:<<Kj8s,Q2mZx>> http://a",
        "sort -u",
    ),
    Detector(
        "dsn",
        r"(?<![\w./:@-])(?P<u>[A-Za-z_][\w.#-]{0,64}):(?P<s>[^\s:/@\"']{3,200})@(?=[\w(\[])",
        "user and password before an at sign",
        "<<gwendolyn>>:<<Kj8sQ2mZx>>@tcp(obs:2881)/db",
        "at 10:20:30",
    ),
    Detector(
        "netrc",
        r"(?<!\w)machine\s+(?P<h>[\w.-]{1,200})\s+login\s+(?P<u>[\w.@-]{1,100})(?=\s)",
        "host and user of a file .netrc",
        "machine <<obs-77>> login <<gwendolyn>> password <<Kj8sQ2mZx>>",
        "the machine at login",
    ),
    Detector(
        "expect",
        r"(?<!\w)send\s+(?:--\s+)?\\{0,15}\"(?P<s>[^\"\\\s]{1,200})(?=\\{1,15}r)",
        "what an expect script types",
        'expect "password:"; send "<<Kj8sQ2mZx>>\\r"',
        'send "a"',
    ),
    Detector(
        "named_value",
        rf"(?i:name:)\s{{1,8}}[\"']?[\w-]{{0,40}}(?i:{SECRET_WORD})[\w-]{{0,40}}[\"']?\s{{1,40}}(?i:value:)\s{{1,8}}{_VALUE}",
        "the value of a variable that is called like a secret",
        "- name: DB_PASSWORD\n  value: <<Kj8sQ2mZx>>",
        "name: a, value: b",
    ),
    Detector(
        "directive",
        rf"(?<![\w-])(?:requirepass|masterauth)\s+{_VALUE}",
        "the password in a server's configuration",
        "requirepass <<Kj8sQ2mZx>>",
        "require passing tests",
    ),
    Detector(
        "client_password",
        rf"(?<![\w-]){_CLIENT}(?:\s+(?!-p\s|-a\s)[^\s|;&]{{1,200}}){{0,20}}?\s+(?:-p|-a)\s+(?!-){_VALUE}",
        "the value of a client's -p",
        "sshpass -p <<hunter>> ssh",
        "mkdir -p backup",
        rest=True,
    ),
    Detector(
        "p_option",
        rf"(?<=\s)-p\s+(?![^\s]{{0,200}}/){_TELLING}{_VALUE}",
        "the value of -p where it looks like a secret",
        "tool -p <<Kj8sQ2mZx>>",
        "observer -p 2881",
    ),
    Detector(
        "option",
        rf"(?:(?<![\w-])--)(?i:[\w-]{{0,40}}(?:{SECRET_WORD}))[\w-]{{0,40}}\s+(?!-){_VALUE}",
        "the value of an option that is called like a secret",
        "obshell --root_password <<Kj8sQ2mZx>> --sys",
        "obshell --password --sys",
    ),
    Detector(
        "sentence",
        rf"(?<![A-Za-z])(?:[\w-]{{0,40}}[_-])?(?i:{SECRET_WORD})(?:\s+(?:(?i:for|of)\s+{_MARK}?(?P<u>[A-Za-z][\w.-]{{0,60}}){_MARK}?\s+)?(?i:is|was|are)\s+(?i:now\s+|set\s+to\s+)?"
        rf"(?!(?i:not|set|required|empty|invalid|expired|wrong|incorrect|missing|null|too|the|a|an|in|no|being|changed|correct)\b){_VALUE}"
        rf"|\s+(?:(?i:for|of)\s+{_MARK}?[A-Za-z][\w.-]{{0,60}}{_MARK}?\s*(?:=|:|：)\s*(?P<s2>\S+)|{_TELLING}(?=\S{{8}})(?![\w.-]+\.\w)(?P<t2>\S+)))",
        "what a sentence calls a secret",
        "root_password is <<hunterous>>",
        "the password is not set",
    ),
    Detector(
        "short_option",
        r"(?<=\s)-p(?!(?:ath|rint\w*|erm|rune|thread|ort|id|rocess|arents?)\b)(?P<s>[^\s-]\S{1,4096})",
        "what follows -p without a blank",
        "mysql -uroot -p<<Hunter2Hunter2>>",
        "find . -print",
    ),
    Detector(
        "aws_secret",
        r"(?<![\w+/=.-])(?=[^\s\d]{0,39}\d)(?=[^\sA-Z]{0,39}[A-Z])(?=[^\sa-z]{0,39}[a-z])[A-Za-z0-9+/]{40}(?![\w+/=-])",
        "a secret key of AWS: forty characters, slashes among them",
        "got <<wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY>>",
        "got internationalization-of-everything-once",
        whole="secret",
    ),
    Detector(
        "key",
        r"(?<![\w-])(?:(?:AKIA|ASIA|LTAI|AKID)[A-Za-z0-9]{12,}|(?:xox[a-z]-|gh[a-z]_|github_pat_|glpat-|sk-)[\w-]{10,}|AIza[\w-]{30,})(?![\w-])",
        "a key of a well-known provider",
        "aws <<AKIAKJ8SQ2MZXKJ8SQ2M>>",
        "ask-for-something",
        whole="secret",
    ),
)
"""In the order in which they are tried where several would match."""
BLOB = Detector(
    "blob",
    r"(?<![\w+/=.-])[A-Za-z0-9+/_-]{24,}={0,2}(?![\w+/=-])",
    "a long word that looks drawn by lot",
    "got <<dGhpcyBpcyBhIHNlY3JldCA0NzEx>>",
    "got internationalization-of-everything",
)
