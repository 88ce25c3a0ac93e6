"""Detectors of secrets that have a form of their own: keys, tokens, hashes, headers, statements of SQL; and all detectors of secrets."""

from __future__ import annotations

from daganalysis.redaction.assigned_secrets import ASSIGNED_SECRETS
from daganalysis.redaction.command_secrets import COMMAND_SECRETS
from daganalysis.redaction.detector import Detector
from daganalysis.redaction.sentence_secrets import SPOKEN_SECRETS
from daganalysis.secret_words import BARE, MARK, VALUE

_STRING = r"(?:\\{0,15}'(?:[^'\\\r\n]|''|\\[^'\r\n]){1,4096}\\{0,15}'|\\{0,15}\"(?:[^\"\\\r\n]|\"\"|\\[^\"\r\n]){1,4096}\\{0,15}\")"
_HEADER = (
    r"(?:(?:set-)?cookie2?|(?:proxy-|www-)?authorization|x-ocs-[\w-]{1,40}|x-(?:[\w-]{0,40})"
    r"(?:token|auth|key|secret|signature|session)[\w-]{0,40})"
)

_FORMS: tuple[Detector, ...] = (
    Detector(
        "pem",
        r"-----BEGIN\ [A-Z0-9 ]+-----.*?(?:-----END\ [A-Z0-9 ]+-----|\Z)",
        "a key or a certificate, whole",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEow<<Kj8s>>Q2mZx\n-----END RSA PRIVATE KEY-----",
        "-----BEGINNING OF THE LOG-----",
        whole="secret",
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
        r"(?<![\w$])\$(?:1|2[abxy]?|5|6|7|y|gy|apr1|sha1|scrypt|argon2\w{1,3}|pbkdf2[\w-]{0,20})\$[\w./$,=+-]{8,}|(?<![\w*])\*[0-9A-"
        r"F]{40}(?!\w)"
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
        "the value after a scheme of authentication",
        "Bearer <<abcdEFGH1234.zzzz-yyyy>>",
        "basic maintenance of the cluster",
    ),
    Detector(
        "identified",
        rf"(?i:identified\s+(?:by(?:\s+(?:password|values))?|(?:with|via)\s+\S{{1,60}}\s+(?:as|by|using)))\s+"
        rf"(?P<m>{_STRING}(?:\s{{0,8}},\s{{0,8}}{_STRING}|\s+(?i:replace)\s+{_STRING})*)",
        "every password of IDENTIFIED BY, and the text after a doubled quote",
        "alter user r identified by '<<Kj8s>>''<<Q2mZx>>', '<<Wn5tVbRq>>'",
        "the user was identified by name",
    ),
    Detector(
        "identified_bare",
        rf"(?i:identified\s+(?:by(?:\s+(?:password|values))?|(?:with|via)\s+\S{{1,60}}\s+(?:as|by|using)))\s+(?P<t>(?!name\b|id\b|the"
        rf"\b){BARE}{{1,4096}})",
        "a password of IDENTIFIED BY without quotes",
        "alter user root identified by <<Kj8sQ2mZx>>",
        "the user was identified by name",
    ),
    Detector(
        "set_password",
        rf"(?i:set\s+password)(?:\s+(?i:for)\s+{MARK}?(?P<u>[A-Za-z][\w.-]{{0,64}})[^\s=]{{0,80}})?\s{{0,8}}(?:=|(?i:to))\s{{0,8}}(?:"
        rf"(?i:password|old_password)\s{{0,2}}\(\s{{0,2}})?{VALUE}",
        "the password of SET PASSWORD, and its user",
        "set password for root = '<<Kj8sQ2mZx>>'",
        "Set password",
    ),
)
_LATE_FORMS: tuple[Detector, ...] = (
    Detector(
        "curl_user",
        rf"(?<=\s)(?:-u|-U|--user|--proxy-user)[\s=]{{0,4}}{MARK}?(?P<u>[A-Za-z][\w.@+#-]{{0,128}}):(?P<s>[^\s\"'`]{{1,4096}})",
        "the user and the password passed to curl",
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
        r"(?<!\w)machine\s+(?P<h>[\w.-]{1,200})\s+login\s+(?P<u>[\w.@-]{1,100})(?=\s)(?:\s{1,8}password\s{1,8}(?P<s>\S{1,200}))?",
        "host and user of a file .netrc",
        "machine <<obs-77>> login <<gwendolyn>> password <<Kj8sQ2mZx>>",
        "the machine at login",
    ),
    Detector(
        "expect",
        r"(?<!\w)send\s+(?:--\s+)?\\{0,15}\"(?P<s>[^\"\\\s]{1,200})(?=\\{1,15}r)",
        "a text typed by an expect script",
        'expect "password:"; send "<<Kj8sQ2mZx>>\\r"',
        'send "a"',
    ),
    Detector(
        "directive",
        rf"(?<![\w-])(?:requirepass|masterauth)\s+{VALUE}",
        "the password in a server's configuration",
        "requirepass <<Kj8sQ2mZx>>",
        "require passing tests",
    ),
    Detector(
        "aws_secret",
        r"(?<![\w+/=.-])(?=[^\s\d]{0,39}\d)(?=[^\sA-Z]{0,39}[A-Z])(?=[^\sa-z]{0,39}[a-z])[A-Za-z0-9+/]{40}(?![\w+/=-])",
        "a secret key of AWS: forty characters with slashes",
        "got <<wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY>>",
        "got internationalization-of-everything-once",
        whole="secret",
    ),
    Detector(
        "key",
        r"(?<![\w-])(?:(?:AKIA|ASIA|LTAI|AKID)[A-Za-z0-9]{12,}|(?:xox[a-z]-|gh[a-z]_|github_pat_|glpat-|sk-)[\w-]{10,}|AIza[\w-]{30,"
        r"}|hv[sbr]\.[\w-]{10,}|(?:npm|dop_v1|rk_live|sk_live|sk_test|pypi|xapp|shpat|EAAC|ya29)[_.-][\w-]{16,}|SG\.[\w-]{16,}\.[\w-"
        r"]{16,})(?![\w-])",
        "a key of a well-known provider",
        "aws <<AKIAKJ8SQ2MZXKJ8SQ2M>>",
        "ask-for-something",
        whole="secret",
    ),
)
SECRET_DETECTORS: tuple[Detector, ...] = (*_FORMS, *COMMAND_SECRETS, *ASSIGNED_SECRETS, *_LATE_FORMS, *SPOKEN_SECRETS)
"""In the order in which they are tried where several would match."""
BLOB = Detector(
    "blob",
    r"(?<![\w+/=.-])[A-Za-z0-9+/_-]{24,}={0,2}(?![\w+/=-])",
    "a long word that looks random",
    "got <<dGhpcyBpcyBhIHNlY3JldCA0NzEx>>",
    "got internationalization-of-everything",
)
