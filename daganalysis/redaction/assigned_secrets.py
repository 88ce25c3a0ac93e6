"""Detectors of secrets that follow their name: assignments, pairs of attributes, elements, calls, tuples."""

from __future__ import annotations

from daganalysis.redaction.detector import Detector
from daganalysis.secret_words import (
    BARE,
    MARK,
    MIXED,
    NAME_LABEL,
    ONLY_QUOTED,
    QUOTED,
    SECRET_NAME,
    SECRET_WORD,
    SHORT_SECRET_WORD,
    VALUE,
    VALUE_LABEL,
)

_SEPARATOR = r"\\{0,15}[\"'`]?\s{0,4}(?:=|:|=>)\s{0,4}"
_BETWEEN = r"[\s,;]{1,40}(?:(?!(?i:value)\b)[\w:.-]{1,30}\s{0,2}[=:]\s{0,2}[^\s,<>{}]{1,60}[\s,]{1,20}){0,4}"
_PAIR = rf"(?<!\w){NAME_LABEL}{_SEPARATOR}{MARK}?{SECRET_NAME}{MARK}?{_BETWEEN}{MARK}?{VALUE_LABEL}{_SEPARATOR}"
_REVERSED = (
    rf"(?<!\w){VALUE_LABEL}{_SEPARATOR}{ONLY_QUOTED}\\{{0,15}}[\"'`]{_BETWEEN}{MARK}?{NAME_LABEL}{_SEPARATOR}{MARK}{SECRET_NAME}(?=\\{{0,"
    rf"15}}[\"'`])"
)
_ELEMENT = r"(?:<!\[CDATA\[)?(?P<s>[^<\]]{1,4096})(?=\]\]>|</)"

ASSIGNED_SECRETS: tuple[Detector, ...] = (
    Detector(
        "attribute_pair",
        rf"{_PAIR}{VALUE}|{_REVERSED}",
        "the value of a pair of attributes that is named like a secret",
        '<property name="connection.password" value="<<Kj8sQ2mZx>>"/>',
        '<property name="maxActive" value="20"/>',
    ),
    Detector(
        "markup",
        rf"<(?:(?i:[\w:.-]{{0,40}}(?:{SECRET_WORD}|{SHORT_SECRET_WORD}))[\w.-]{{0,40}}(?:\s[^<>]{{0,200}})?"
        rf"|[\w:.-]{{1,40}}\s[^<>]{{0,200}}?{NAME_LABEL}\s{{0,2}}=\s{{0,2}}\\{{0,15}}[\"']{SECRET_NAME}\\{{0,15}}[\"'][^<>]{{0,200}})"
        rf">\s{{0,20}}(?:<{VALUE_LABEL}>\s{{0,20}})?{_ELEMENT}",
        "the text of an XML element that is named like a secret, or has an attribute that is",
        "<dbPassword enc='no'><<Kj8sQ2mZx>></dbPassword>",
        "<status>done</status>",
    ),
    Detector(
        "element_pair",
        rf"<(?:\w{{1,20}}[-:_.])?{NAME_LABEL}>\s{{0,20}}{SECRET_NAME}\s{{0,20}}</[\w:.-]{{1,40}}>\s{{0,80}}<(?:\w{{1,20}}[-:_.])?"
        rf"{VALUE_LABEL}(?:\s[^<>]{{0,80}})?>\s{{0,20}}{_ELEMENT}",
        "the element of a value after the element of a name that is named like a secret",
        "<name>db.Password</name><value><<hunterous>></value>",
        "<name>password.policy</name><value>strict</value>",
    ),
    Detector(
        "declared",
        rf"(?<!\w)(?:variable|output|parameter)\s{{1,4}}{MARK}{SECRET_NAME}{MARK}\s{{0,4}}\{{(?:[^{{}}]{{0,300}}?\s)?(?:default|value"
        rf")\s{{0,8}}=\s{{0,8}}{VALUE}",
        "the default of a Terraform variable named like a secret",
        'variable "db_password" { default = "<<hunterous>>" }',
        'variable "zone" { default = "z1" }',
    ),
    Detector(
        "subscript",
        rf"(?:(?<=[\[(])|^)\s{{0,2}}(?P<q2>\\{{0,15}}[\"'`]){SECRET_NAME}(?P=q2)\s{{0,2}}(?:\]\s{{0,4}}=|,)\s{{0,4}}{ONLY_QUOTED}(?="
        rf"\\{{0,15}}[\"'`]\s{{0,4}}(?:[,);\n]|$))",
        "the value of a key named like a secret",
        'os.environ["OB_PASSWORD"] = "<<hunterous>>"',
        'pick(["password", "user"])',
    ),
    Detector(
        "login_call",
        r"(?<![A-Za-z])(?i:[\w.:>-]{0,40}(?:auth|credentials?|login|logon|passwordtoken|connect|getconnection|pdo|passwd)\w{0,20})\]"
        r"?(?:::new)?\s{0,3}(?:=\s{0,3}[\w.]{0,40})?\("
        r"(?P<m>[^()'\"\n]{0,60}\\{0,15}[\"'][^\"'\n]{1,200}[\"'][^()'\"\n]{1,60}\(?[^()'\"\n]{0,60}[\"'][^\"'\n]{1,200}[\"'](?:[^()"
        r"'\"\n]{1,60}[\"'][^\"'\n]{1,200}[\"']){0,4})",
        "the texts passed to a call that logs in, if there are two or more",
        "get(url, auth=('<<gwendolyn>>', '<<hunterous>>'))",
        "login('zone')",
    ),
    Detector(
        "nested",
        rf"(?i:{SECRET_WORD})[\w.-]{{0,20}}\\{{0,15}}[\"']\s{{0,4}}:\s{{0,4}}[\[{{](?P<v>[^\[\]{{}}]{{1,2000}})[\]}}]",
        "the values in a list or an object under a key named like a secret",
        '"passwords": {"root": "<<hunterous>>"}',
        '"passwords": {}',
    ),
    Detector(
        "secret",
        rf"(?i:{SECRET_WORD})(?:[A-Za-z\d_.-]{{0,40}}?[\u4e00-\u9fff]{{0,6}}?)(?:\\{{0,15}}[\"'`]|&\#?\w{{2,4}};)?(?:\]|%5[Dd])?"
        r"(?:\s{0,8}(?::=|=>|==|->|\+=|\?=|=|:|：)\s{0,8}(?:[|>][+-]?\s{0,2}\n\s{0,40})?(?:[!&][\w-]{1,30}\s{1,4})?"
        r"(?:<<[-~]?\w{1,20}\s{0,4}\n\s{0,40})?(?:\(\w{1,20}\)\s{1,4}(?:\(len=\d+\)\s{1,4})?)?"
        r"(?:\(?\s{0,2}(?i:convertto-securestring)\s+(?:-\w+\s+(?=[\"']))?)?"
        r"|\s{0,2}\(\s{0,2}(?=\\{0,15}[\"']))"
        rf"(?:(?i:bearer|basic)\s+)?{VALUE}(?:\\{{0,15}}[\"'`]?\s{{0,4}}(?:->|=>)\s{{0,4}}\\{{0,15}}[\"'`]?(?P<s2>[^\s\"'`]{{1,200}}))?",
        "the value after a secret's label",
        "connect with password=<<Kj8s,Q2(m;Zx>> user=root",
        "Modify password: start",
    ),
    Detector(
        "quoted_after",
        rf"(?<![A-Za-z])(?:[\w-]{{0,40}}[_-])?(?i:{SECRET_WORD})\s{{1,4}}(?=\\{{0,15}}[\"'`])(?!.{{0,6}}%)(?!{MARK}(?:root|sys|admin)"
        rf"?{MARK}){QUOTED}",
        "a text in quotes after a word for a secret",
        "with username 'x' and password '<<hunterous>>'",
        "password of 'root'",
    ),
    Detector(
        "inserted",
        rf"(?i:insert|replace|merge)\s+(?i:into)\s+[^\s()]{{1,100}}\s{{0,4}}\([^()]{{0,300}}?(?i:{SECRET_WORD})[^()]{{0,300}}\)\s{{0,"
        rf"4}}(?i:values?)\s{{0,4}}\((?P<m>[^()]{{1,2000}})",
        "the strings that are inserted into a table with a column for secrets",
        "INSERT INTO users (name, password) VALUES ('<<gwendolyn>>', '<<hunterous>>')",
        "INSERT INTO t (a) VALUES ('b')",
    ),
    Detector(
        "cipher_call",
        r"(?<![A-Za-z])(?i:(?:\w{0,20}(?:en|de)crypt\w{0,20}|hmac\w{0,10}|password|old_password)\s{0,4}\(|sp_addlogin|sp_password)\s"
        r"{0,4}(?P<m>(?:[^()'\"\n]{0,80}[\"'][^\"'\n]{1,200}[\"']){1,4})",
        "the strings passed to a function that encrypts",
        "SELECT AES_DECRYPT(c, '<<hunterous>>')",
        "SELECT encrypt FROM t",
    ),
    Detector(
        "short_label",
        rf"(?<![A-Za-z0-9])(?i:[a-z0-9]{{1,30}}[_-])?(?i:{SHORT_SECRET_WORD})\\{{0,15}}[\"']?(?:\]|%5[Dd])?\s{{0,4}}(?::?=|：)\s{{0,4"
        rf"}}{VALUE}",
        "the value after a short label and an equals sign",
        "pass=<<Kj8sQ2mZx>>",
        "the pass is over",
    ),
    Detector(
        "short_colon",
        rf"(?:(?<![^\s,{{])|(?<=[\"']))(?i:pass|passcode|auth|sk|ak|pw)\\{{0,15}}[\"']?\s{{0,4}}[:：]\s{{0,4}}(?:(?:(?<=pw:)|(?<=pw:\s"
        rf")|{MIXED})(?P<t>{BARE}{{1,4096}})|{QUOTED})",
        "the value after a short label and a colon",
        "sk: <<Kj8sQ2mZx>>",
        "first pass: done",
    ),
)
