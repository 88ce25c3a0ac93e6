"""Detectors of secrets in commands: options that take a secret, pipes into a command that asks for one, and logins."""

from __future__ import annotations

from daganalysis.redaction.detector import Detector
from daganalysis.secret_words import MARK, MIXED, SECRET_WORD, VALUE

_CLIENTS: tuple[tuple[str, str], ...] = (
    (r"mysql\w*|mariadb\w*|obclient|obd|obshell|obloader|obdumper|sshpass|mycli|mongo\w*|xtrabackup|influx|clickhouse-client", "-p"),
    (r"(?:docker|podman|nerdctl|skopeo|buildah|oc|az|cf|ibmcloud|helm|oras)(?=[^|;\n]{0,80}\slogin)", "-p"),
    (r"psexec(?:64)?|winrs|rdesktop|vncviewer|ipmiutil", "-p"),
    (r"redis-cli|redis-benchmark|ipmitool", "-a"),
    (r"sqlcmd|bcp|osql|isql|tsql|freebcp|ipmitool|zip|unzip|zipcloak|cypher-shell|mosquitto_\w+", "-P"),
    (r"plink|pscp|psftp|putty|kitty", "-pw"),
    (r"ldap\w+|smbpasswd|cypher-shell|isql|rabbitmqadmin|htdigest", "-w"),
    (r"openssl|gpg2?|7za?|mcrypt", "-k|-K|-pass(?:in|out|wd)?"),
    (r"snmp\w+", "-A|-X|-c"),
    (r"snmp\w+(?=[^|;\n]{1,200}\s-A)", "-X"),
    (r"schtasks|psexec|sc", "/rp|/p|/password"),
    (r"ssh-keygen", "-N|-P"),
    (r"ossutil\w*|obsutil", "-k"),
    (r"coscmd", "-s"),
    (r"obshell|obd", "--rp|--password|--rootpassword"),
    (r"reg(?:\.exe)?\s+add(?=[^|;\n]{1,200}(?i:passw|secret|token))", "/d"),
    (r"dbaccess|db2|clpplus|teradata|beeline|impala-shell|cqlsh|influx", "-p|-password"),
)
_PATTERNS = "|".join(
    rf"(?:{clients})(?:\.exe)?(?:\s+(?!(?:{options})\s)[^\s|;&]{{1,200}}){{0,20}}?\s+(?:{options})" for clients, options in _CLIENTS
)
_READING_PROGRAMS = (
    r"chpasswd|passwd|su(?=\s|$)|kinit|cryptsetup|openssl|gpg|base64|md5sum|sha\d+sum|smbpasswd|xargs|ssh-add|vault"
    r"|ldappasswd|mysql_config_editor|oathtool|htpasswd"
)
_LOGGING_IN = r"docker|podman|helm|oc|az|cf|gh|aws|oras|skopeo|nerdctl|buildah|kubectl|glab|npm|bw"
_READER = (
    r"(?:(?i:convertto-securestring)|(?:sudo\s+)?(?:\S{0,60}/)?(?:sudo\s+(?:-\S+\s+){0,4}?-\w*S"
    rf"|{_READING_PROGRAMS}"
    rf"|(?:{_LOGGING_IN})(?:\s+\S+){{0,6}}?\s+(?:login|secret|auth|-i|--\w*stdin\w*)"
    r"|\S{1,40}\s[^|\n]{0,200}?--?\w{0,20}(?:passw|pass)[\w-]{0,20}stdin))"
)
_TYPED = r"(?:echo|printf|print|Write-(?:Output|Host))\s+(?:-\w+\s+){0,3}(?:[\"']%\w[^\"'|]{0,20}[\"']\s+)?"
_LOGIN = r"(?P<u>[A-Za-z_][\w.@#-]{0,64})"
_OPTION_WORD = rf"(?i:[\w.-]{{0,40}}(?:{SECRET_WORD}|(?<=-)(?:pass|pw|rp)(?![a-z])))"

COMMAND_SECRETS: tuple[Detector, ...] = (
    Detector(
        "typed",
        rf"(?:(?<![\w-]){_TYPED}|(?<=[\s=(])(?=[\"'][^\"'\n]{{1,200}}[\"']\s{{0,4}}\|\s{{0,4}}(?i:ConvertTo-Sec)))(?:[\"']?{_LOGIN}:("
        rf"?P<s2>[^\s\"'|:]{{1,200}})[\"']?\s{{0,8}}\|\s{{0,8}}(?:\S{{0,60}}/)?(?:sudo\s+)?chpasswd|{VALUE}[\"']?(?=\s{{0,8}}\|\s{{0,"
        rf"8}}{_READER}))",
        "a text piped into a command that asks for a password",
        "echo '<<hunterous>>' | sudo -S ls",
        "echo done | tee log",
        rest=True,
    ),
    Detector(
        "here_string",
        rf"(?<![\w-])(?:chpasswd\s{{0,4}}<<<\s{{0,4}}[\"']?{_LOGIN}:(?P<s2>[^\s\"']{{1,200}})|(?:sudo\s+[^|;<\n]{{0,80}}-\w*S|passwd"
        rf"\s[^|;<\n]{{0,80}}|su\s[^|;<\n]{{0,80}}|kinit[^|;<\n]{{0,80}}"
        rf"|cryptsetup[^|;<\n]{{0,80}}|base64[^|;<\n]{{0,20}}|\w{{1,20}}\s[^|;<\n]{{0,80}}stdin)[^|;<\n]{{0,80}}<<<\s{{0,4}}{VALUE})",
        "the input of a command that asks for a password",
        "sudo -S ls <<< '<<hunterous>>'",
        "wc -l <<< text",
        rest=True,
    ),
    Detector(
        "client_password",
        rf"(?<![\w-])(?:{_PATTERNS})\s+(?!-|\d{{1,5}}(?:[:/]\d{{1,5}})?(?:\s|$))(?:pass:)?{VALUE}",
        "the value of a client's option that takes a password",
        "sshpass -p <<hunter>> ssh",
        "mkdir -p backup",
        rest=True,
    ),
    Detector(
        "positional",
        rf"(?<![\w-])(?:net(?:\.exe)?\s+user\s+(?P<u>[A-Za-z][\w.-]{{0,60}})\s+(?!/){VALUE}"
        r"|net(?:\.exe)?\s+use\s+(?:\S{1,200}\s+){1,2}?(?=\S{1,200}\s+/(?i:user|u):)(?![A-Za-z]:\s|\\\\|/)(?P<s2>\S{1,200})"
        r"|net(?:\.exe)?\s+use\s+\S{1,200}\s+/(?i:user|u):(?:[\w.-]{1,60}\\{1,2})?(?P<u7>[A-Za-z][\w.-]{1,60})\s+(?!/)(?P<s10>\S{1,200})"
        r"|\bsetuser\s+(?P<u8>[A-Za-z][\w.-]{0,60})\s[^\n]{0,80}?[>#](?P<s11>[^\s>]{3,200})|mc\s+(?:alias|config\s+host)\s+(?:set|ad"
        r"d)\s+\S+\s+\S+\s+(?P<u9>\S{3,100})\s+(?P<s12>\S{3,200})"
        r"|htpasswd\s+(?:-(?:\w{0,6}n\w{0,6}b|\w{0,6}b\w{0,6}n)\w{0,4}\s+|-\w{0,6}b\w{0,6}\s+(?:-\S+\s+){0,3}\S{1,200}\s+)(?P<u2>[A-"
        r"Za-z][\w.-]{0,60})\s+[\"']?(?P<s3>[^\s\"']{1,200})"
        r"|wpa_passphrase\s+\S{1,60}\s+[\"']?(?P<s5>[^\s\"']{8,63})|isql\s+(?:-v\s+)?[A-Za-z][\w.-]{0,60}\s+(?P<u5>[A-Za-z][\w.-]{0,"
        r"60})\s+(?!-)(?P<s6>\S{1,200})"
        r"|chpasswd:(?:\s+\w+:\s*[|>]?-?)?\s+(?P<u6>[A-Za-z][\w.-]{0,60}):(?P<s7>\S{1,200})|rootpw\s+(?:--\w+\s+){0,2}(?!-)(?P<s8>\S"
        r"{1,200})"
        r"|::add-mask::(?P<s9>\S{1,200})|issecret=true[^\]\n]{0,40}\](?P<t2>[^\s\"']{1,200})"
        r"|mysqladmin\s[^|;\n]{0,200}?(?<=\s)password\s+[\"']?(?P<s4>[^\s\"']{1,200}))",
        "a password as a positional argument of a command",
        "net user <<gwendolyn>> <<hunterous>> /add",
        "net user /domain",
        rest=True,
    ),
    Detector(
        "put_secret",
        rf"(?<![\w-])(?:vault\s+(?:kv\s+)?(?:put|patch|write)\s(?:[^|;\n]{{0,200}}?\s)?|--from-literal[\s=])[\"']?[\w.-]{{1,60}}={VALUE}",
        "a value put into a store of secrets",
        "vault kv put secret/ob root=<<hunterous>>",
        "vault status",
    ),
    Detector(
        "client_user",
        r"(?<![\w-])(?:sqlcmd|bcp|osql|tsql|freebcp|ipmitool|psql|createdb|pg_dump|pg_restore|redis-cli|schtasks|psexec)(?:\.exe)?(?"
        r":\s+(?!-U\s|/ru\s)[^\s|;&]{1,200}){0,20}?\s+(?:-U|/ru)\s+[\"']?(?P<u>[A-Za-z][\w.@-]{1,64})",
        "the value of a client's -U",
        "psql -h a -U <<gwendolyn>> db",
        "date -U",
        rest=True,
    ),
    Detector(
        "to_file",
        rf"(?<![\w-]){_TYPED}{VALUE}[\"']?(?=\s{{0,8}}>{{1,2}}\s{{0,4}}[^\s|;&]{{0,100}}(?i:pass|pwd|pw|secret|token|cred|key))",
        "a text written to a file named like a secret",
        "echo '<<hunterous>>' > /root/.obpass",
        "echo done > log",
    ),
    Detector(
        "hashed",
        r"(?<![\w-])openssl\s+passwd\s+(?:-\w+\s+(?:(?<=-salt )\S+\s+)?){0,4}(?!-)(?P<s>[^\s)\"'`]{3,200})",
        "the password that openssl hashes",
        "useradd -p $(openssl passwd -1 <<hunterous>>) x",
        "openssl passwd -help",
    ),
    Detector(
        "http_login",
        r"(?<![\w-])(?:https?|xh|ab|hey|siege)\s[^|;\n]{0,200}?(?:-a|-A|--auth)[\s=][\"']?(?P<u>[A-Za-z][\w.@-]{0,64}):(?P<s>[^\s\"'"
        r"]{1,200})",
        "user and password of a client of HTTP",
        "http -a <<gwendolyn>>:<<hunterous>> GET x",
        "http -a",
    ),
    Detector(
        "pgpass",
        r"(?m:^)(?:[\w.*-]{1,100}|\[[0-9a-f:]+\]):(?:\d{2,5}|\*):[\w*-]{1,64}:(?P<u>[A-Za-z][\w.@-]{0,64}):(?P<s>[^\s:]{1,200})(?m:$)",
        "user and password of a file .pgpass",
        "*:*:*:<<gwendolyn>>:<<hunterous>>",
        "a:b:c",
    ),
    Detector(
        "slash_option",
        r"(?<=\s)(?:/(?i:user|u|ru|username):[\"']?(?:[\w.-]{1,60}\\{1,2})?(?P<u>[A-Za-z][\w.-]{1,60})|/(?i:pass|password|pw|p|rp):["
        r"\"']?(?P<s>[^\s\"']{1,200}))",
        "user and password as an option of Windows",
        "cmdkey /add:x /user:<<gwendolyn>> /pass:<<hunterous>>",
        "copy a /v:on",
    ),
    Detector(
        "shell_user_option",
        r"(?<=\s)-(?i:user(?:name)?|credential|userid|login)\s+[\"']?(?:[\w.-]{1,60}\\{1,2})?(?P<u>[A-Za-z][\w.@-]{2,60})",
        "the value of PowerShell's -Username",
        "Invoke-Sqlcmd -Username <<gwendolyn>> -Query x",
        "bash -login",
    ),
    Detector(
        "percent_login",
        r"(?<=\s)(?:-U|--user)[\s=]{0,4}[\"']?(?:[\w.-]{1,60}[\\/]{1,2})?(?P<u>[A-Za-z][\w.@+#-]{0,64})%(?P<s>[^\s\"'`]{1,200})",
        "user and password of a client of Samba",
        "smbclient //fs/share -U <<gwendolyn>>%<<hunterous>>",
        "date -U 100%",
    ),
    Detector(
        "comma_login",
        r"(?<![\w-])lftp\s[^|;\n]{0,200}?-u\s+[\"']?(?P<u>[A-Za-z][\w.@-]{0,64}),(?P<s>[^\s\"']{1,200})",
        "user and password of lftp",
        "lftp -u <<gwendolyn>>,<<hunterous>> sftp://a",
        "lftp -u",
    ),
    Detector(
        "slash_login",
        r"(?<![\w-])(?:(?i:sqlplus|expdp|impdp|exp|imp|rman|sqlldr|connect|conn|target)\s+(?:-\w+\s+){0,3}|userid\s?=\s?)[\"']?(?P<u"
        r">[A-Za-z][\w#$]{0,64})/\\{0,15}[\"']?(?P<s>[^\s/@\"']{1,100})"
        rf"|(?<![\w./:@%-])(?P<u2>[A-Za-z][\w#$.]{{1,64}})/{MIXED}(?P<s2>[^\s/@\"']{{3,100}})(?=@)",
        "user and password of Oracle's clients",
        "sqlplus <<gwendolyn>>/<<hunterous>>@//a:1521/b",
        "exp 1/2",
    ),
    Detector(
        "p_option",
        rf"(?<=\s)-p\s+(?![^\s]{{0,200}}/){MIXED}{VALUE}",
        "the value of -p if it looks like a secret",
        "tool -p <<Kj8sQ2mZx>>",
        "observer -p 2881",
    ),
    Detector(
        "option",
        rf"(?:(?<![\w-])--?(?=[A-Za-z])|(?<=[\"'])--?(?=[A-Za-z])){_OPTION_WORD}[\w-]{{0,40}}(?:\s+(?!-)|\\{{0,15}}[\"']\s{{0,4}},\s"
        rf"{{0,4}}(?=\\{{0,15}}[\"']))(?!(?:for|of|is|and|or|from)\s|[($]){VALUE}",
        "the value of an option named like a secret",
        "obshell --root_password <<Kj8sQ2mZx>> --sys",
        "obshell --password --sys",
    ),
    Detector(
        "quoted_option",
        rf"(?<=[\"'])-p\\{{0,15}}[\"']\s{{0,4}},\s{{0,4}}\\{{0,15}}[\"']{MIXED}(?P<s>[^\"'\\\n]{{1,200}})(?=\\{{0,15}}[\"'])",
        "the value of -p in a list of arguments",
        "run(['tool', '-p', '<<Kj8sQ2mZx>>'])",
        "run(['mkdir', '-p', 'backup'])",
    ),
    Detector(
        "environment",
        rf"(?<![\w-])(?:(?i:setx|setenv|env|arg)|set\s+-\w{{0,3}}x\w{{0,3}}|(?:config(?:ure)?|\w{{2,20}})\s+set)\s+(?:--?\w+\s+){{0,3}}"
        rf"[\w.:/@-]{{0,80}}(?i:{SECRET_WORD})[\w.-]{{0,40}}\s+(?!=){VALUE}",
        "the value given to a variable or a setting",
        "setx OB_PASSWORD <<hunterous>>",
        "ENV LANG C",
    ),
    Detector(
        "secure_string",
        rf"(?i:convertto-securestring)\s+(?:-\w+\s+(?=[\"'])){{0,2}}{VALUE}",
        "a secure string of PowerShell",
        "ConvertTo-SecureString '<<hunterous>>' -AsPlainText",
        "ConvertTo-SecureString",
    ),
    Detector(
        "passed",
        rf"(?<![\w-])-pass(?:in|out|wd)?\s+pass:(?P<s>\S{{1,200}})|(?<![\w-])pass:{MARK}?(?=\S{{0,60}}\d)(?P<s2>[^\s\"']{{4,200}})",
        "the password of openssl's pass:",
        "smime -passin pass:<<hunterous>> -in k",
        "pass: 3 checks",
    ),
    Detector(
        "short_option",
        r"(?<=\s)-p(?!assw|(?:ath|rint\w*|erm|rune|thread|ort|id|rocess|arents?)\b)(?P<s>[^\s-]\S{1,4096})",
        "the value of -p without a blank",
        "mysql -uroot -p<<Hunter2Hunter2>>",
        "find . -print",
    ),
)
