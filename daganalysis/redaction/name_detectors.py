"""Detectors of addresses, hosts, users, paths and numbers of persons: one row for each notation.

Groups of a pattern: ``u`` is replaced as a user, ``h`` as a host, ``f`` as a folder. A detector without groups has a rule of its own in
:mod:`daganalysis.redaction.walker`.
"""

from __future__ import annotations

from daganalysis.redaction.detector import Detector

USER_WORD = (
    r"(?:user(?:[_-]?name|[ _-]?id)?|uid|login|account|owner|creator|operated_by|用户名?|账号|帐号|姓名|联系人"
    r"|负责人|操作人|操作员|申请人|执行人|审批人|经办人|值班人?|创建人|提交人)"
)
HOST_WORD = r"(?:host(?:[_-]?name)?|fqdn|machine|svr_ip|server_name|主机名?|机器)"
HOST_KEYS = (
    r"(?:ip|addr(?:ess)?|server|endpoint|agent|execute_agent|maintainer|ip_?addr(?:ess)?"
    r"|(?:agent|client|local|remote|host|server|inner|svr)_?(?:ip|addr(?:ess)?))"
)
_TOP_LEVEL = (
    "arpa|cloud|cluster|cn|com|corp|de|dev|edu|eu|example|fr|gov|home|in|info|internal|intra|intranet|io|jp|kr|lan|local|localdomain|me|mil|net|"
    "org|prod|ru|sg|svc|test|uk|us|ai|app|au|biz|br|ca|ch|co|es|hk|idc|it|nl|online|pl|se|site|tech|top|tw|vip|vpc|xyz"
)
_ENDINGS = (
    "json|jsonl|ndjson|log|txt|gz|zip|tar|tgz|zst|xz|bz2|go|py|sh|sql|csv|tsv|xml|ya?ml|conf|cnf|ini|toml|rpm|deb|jar|so|sock|pid|pem|key|crt|"
    "java|c|cc|cpp|h|rs|js|ts|md|html?|pdf|png|svg|tmp|bak|old|new|out|err|har|parquet|db|wal|done|el\\d|noarch|status|state"
)
OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
DASHED = rf"(?<!\d)(?:{OCTET}[-_]){{3}}{OCTET}(?!\d)"
_DOTTED = rf"(?:{OCTET}\.){{3}}{OCTET}"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?"
_HOST_BEFORE = r"(?:lookup|ping|ssh|connect(?:ing|ed|ion)?\s+to|(?:could|can)\s?not\s+resolve|unreachable|[Hh]ost|[Ss]erver|-h|--host)"
_DISTINCTIVE_HOST = r"(?!zone|tenant)(?=[A-Za-z_]{0,60}[\d.-])[A-Za-z](?:[\w.-]{0,250}\w)?"
_SURNAMES = (
    "张王李刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟"
    "熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤欧"
)
_NAME = r"[A-Za-z_][\w.-]{0,63}"
_PART = r"[\w.@+~%$-]"
_VERSION_WORD = r"(?:v|ver|versions?|releases?|builds?|oceanbase(?:-ce)?|obshell|observer|obproxy|obagent|upgrad(?:e|ed|ing)|rpm|版本)"

ADDRESS_DETECTORS: tuple[Detector, ...] = (
    Detector("gid", r"(?<![\d.])[2-5]\d{16,63}(?!\d)", "the address in a generic id", "dag <<2016909060>>1028861", "row 2169090601"),
    Detector(
        "version",
        rf"(?<![A-Za-z])(?i:{_VERSION_WORD})[\s\"':=_./\\-]{{0,6}}(?:(?i:is|from|to)\s+)?[1-9](?:\.\d{{1,3}}){{3}}(?![\d.:]|/\d)(?:\s"
        rf"+(?:to|->)\s+[1-9](?:\.\d{{1,3}}){{3}}(?![\d.:]))?"
        r"|(?<![A-Za-z])(?i:upgrad\w{0,3})[^\d\n]{0,40}\s(?:from|to)\s+[1-9](?:\.\d{1,3}){3}(?![\d.:])(?:\s+(?:to|->)\s+[1-9](?:\.\d"
        r"{1,3}){3}(?![\d.:]))?"
        r"|(?<![\d.])[1-9](?:\.\d{1,3}){3}(?=-\d{5,}|-\d{1,6}\.el|\.el\d|-\w{1,20}\.rpm)",
        "only an address that is known from another text: otherwise this is a version",
        "version 4.2.5.0 of",
        "2026.03",
    ),
    Detector(
        "padded",
        r"(?<![\d.])(?=\d*0\d)\d{3}(?:\.\d{3}){3}(?![\d.])",
        "an IPv4 address with zeros in front",
        "from <<010.020.030.041>> on",
        "took 010.020 s",
    ),
    Detector("ipv4", rf"(?<![\d.]){_DOTTED}(?!\d|\.\d)(?::\d{{1,5}}(?!\d))?", "an IPv4 address", "dial tcp <<8.130.4.7>>:2886", "1.2.3"),
    Detector(
        "network",
        rf"(?<![\w.])(?:(?:{OCTET}\.){{2,3}}(?:[%*_]|[xX](?![A-Za-z]))|{OCTET}\.[%*xX]\.[%*xX])(?:\.[%*xX])*",
        "the beginning of an IPv4 address before wildcards",
        "whitelist <<10.31>>.%.%",
        "100% sure",
    ),
    Detector(
        "hexadecimal",
        r"(?<!\w)0[xX][0-9A-Fa-f]{8}(?!\w)",
        "an IPv4 address as a hexadecimal number, if it is known",
        "<<10.20.30.41>> is <<0x0A141E29>>",
        "at 0x0A141E29",
    ),
    Detector(
        "decimal",
        r"(?<![\w.-])[1-9]\d{7,9}(?![\w.])",
        "an IPv4 address as a number, if it is known",
        "<<10.20.30.41>> is <<169090601>>",
        "n 169090601",
    ),
    Detector("dashed", rf"(?:(?<![A-Za-z\d])ip[-_])?{DASHED}", "an IPv4 address with dashes", "at ip-<<10-20-30-41>>", "2026-03-02"),
    Detector(
        "mac",
        r"(?<![\w:.-])(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}(?![\w:])|(?<![\w-])(?:[0-9A-Fa-f]{2}-){5}[0-9A-Fa-f]{2}(?![\w-])"
        r"|(?<![\w.])(?=[0-9A-Fa-f.]{0,13}[A-Fa-f])(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}(?![\w.])"
        r"|(?<=mac )[0-9A-Fa-f]{12}(?!\w)"
        r"|(?<=ether )[0-9A-Fa-f]{12}(?!\w)|(?<=[aA]ddr )[0-9A-Fa-f]{12}(?!\w)|(?<=[mM]ac[=:])[0-9A-Fa-f]{12}(?!\w)",
        "a hardware address in any notation",
        "ether <<0a1b.2c3d.4e5f>>",
        "at 10:20:30",
        whole="mac",
    ),
    Detector(
        "ipv6",
        rf"(?:(?<![\w:.])|(?<=[g-zG-Z]:))(?:[0-9A-Fa-f]{{0,4}}:){{2,7}}(?:{_DOTTED}|[0-9A-Fa-f]{{0,4}})(?![A-Za-z\d]|:[\w:])",
        "an IPv6 address",
        "peer <<fd00::c0:41>> left",
        "at 10:20:30",
    ),
    Detector(
        "fqdn",
        rf"(?:(?<![\w.@$-])|(?<=%2[Ff]))(?:(?:[a-z0-9](?:[a-z0-9_-]{{0,61}}[a-z0-9])?\.)+(?:{_TOP_LEVEL})"
        rf"|(?=[A-Za-z._]{{0,250}}[\d-]|[A-Z0-9.-]++(?![A-Za-z]))(?:{_LABEL}\.)+(?i:{_TOP_LEVEL})"
        rf"|(?=[a-z._]{{0,60}}[\d-])(?=[a-z\d.]{{0,60}}[_-])(?=[\d.]{{0,60}}[a-z])(?:[a-z0-9](?:[a-z0-9_-]{{0,61}}[a-z0-9])?\.)+(?!(?"
        rf":{_ENDINGS})(?![\w-]))[a-z]{{2,24}}"
        rf"|(?:[a-z0-9](?:[a-z0-9_-]{{0,61}}[a-z0-9])?\.)+(?!(?:{_ENDINGS})(?![\w-]))[a-z]{{2,24}}(?=:\d{{4,5}}(?!\d))"
        r")(?![\w-]|\.\w)",
        "a host with its domain",
        "at <<obs_node-3.prod.acmebank>> now",
        "see agent.json and 4.2.5.0-1.el8.x86_64",
        whole="host",
    ),
    Detector(
        "port_host",
        r"(?<![\w./@:-])(?!zone|tenant|stage|node\d)(?=[a-z_-]{1,60}\d)[a-z][a-z0-9_-]{2,62}(?=:\d{4,5}(?![\d.]))",
        "a host with a number and a port",
        "dial <<obs3>>:2886",
        "zone1:2886",
        whole="host",
    ),
)

NAME_DETECTORS: tuple[Detector, ...] = (
    Detector(
        "url",
        r"(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9+.-]{1,15}://[^\s\"'<>\\，。]+",
        "login, host, path and values of a URL",
        "Get http://<<gwen>>:<<Kj8/s@Q2mZx>>@<<obs-77>>:2886/api/v1",
        "a://",
    ),
    Detector(
        "sql_user",
        rf"(?<![\w.-])(?P<u>{_NAME})\\{{0,15}}[\"'`]?@(?=\\{{0,15}}[\"'`])",
        "the user of SQL's 'user'@'host'",
        "grant all on *.* to <<gwendolyn>>@'%'",
        "mail @'x'",
    ),
    Detector(
        "sql_account",
        rf"(?<!\w)(?i:(?:create|drop|alter|rename)\s+(?:user|login|role)|connect\s+to(?=\s+\S{1, 80}\s+identified))\s+(?i:if\s+(?:not"
        rf"\s+)?exists\s+)?[\"'`]?(?P<u>{_NAME})(?![\w'\"`]{{0,64}}@)",
        "the user that a statement of SQL creates, alters or drops",
        "CREATE USER IF NOT EXISTS <<gwendolyn>> ACCOUNT LOCK",
        "create user failed",
    ),
    Detector(
        "user_markup",
        rf"<(?i:[\w:-]{{0,20}}{USER_WORD})>(?P<u>[A-Za-z\u4e00-\u9fff][^<\s]{{0,100}})(?=</)",
        "the text of an XML element named like a user",
        "<user><<gwendolyn>></user>",
        "<user>",
    ),
    Detector(
        "account",
        r"(?<![\w.+-])[\w.+-]+@[A-Za-z0-9\[][\w.:\]-]*",
        "user and host of an account or of a mail address",
        "mail <<10001234>>@qq.com",
        "@everyone",
    ),
    Detector(
        "uid", r"(?<![A-Za-z])(?:uid|gid|groups)=\d+\((?P<u>[\w.-]+)", "the name in the output of id", "uid=1001(<<gwendolyn>>)", "uid=1001"
    ),
    Detector(
        "prose",
        rf"(?<![A-Za-z])(?:(?:by|as|for)\s+user\s+(?P<u>{_NAME})|(?i:user(?:name)?)\s+(?P<u2>{_NAME})(?=\s+(?:logged|from)\s))",
        "a user in a sentence",
        "done by user <<gwendolyn>> from there",
        "by users of it",
    ),
    Detector(
        "shell_user",
        rf"(?<![\w./-])(?:su\s+(?:-l?\s+|--login\s+)?(?!-)(?P<u>{_NAME})(?=\s*(?:$|[-;&|'\"\n]))|su\s+-l?\s+(?P<u2>{_NAME})|(?:sudo|r"
        rf"unuser|crontab)\s+(?:-[a-zA-Z]+\s+)*-[a-z]*u\s*(?P<u3>{_NAME})"
        rf"|(?:chown|chgrp)\s+(?:-\S+\s+)*(?P<u4>{_NAME})(?::(?P<u5>{_NAME})?)?|sudo:\s+(?P<u6>{_NAME})\s+:|(?:useradd|usermod|userde"
        rf"l|passwd|adduser)\s+(?:-\S+\s+)*(?P<u7>{_NAME})$"
        rf"|(?:Accepted|Failed)\s+\S+\s+for\s+(?:invalid\s+user\s+)?(?P<u8>{_NAME})|session\s+(?:opened|closed)\s+for\s+user\s+(?P<u9"
        rf">{_NAME}))",
        "a user in a shell command or in a system's log",
        "su - <<gwendolyn>>",
        "result of sub-task",
    ),
    Detector(
        "listed_user",
        rf"(?<!\S)[-dlbcps](?:[-r][-w][-xsStT]){{3}}[.+@]?\s+\d+\s+(?P<u>{_NAME})\s+(?P<u2>{_NAME})",
        "owner and group of a listed file",
        "-rw-r--r-- 1 <<gwendolyn>> staff 12",
        "drwx",
    ),
    Detector("tilde", rf"(?<![\w/])~(?P<u>{_NAME})", "a user's home", "cd ~<<gwendolyn>>/x", "~/x"),
    Detector(
        "user",
        rf"(?<![A-Za-z])(?i:{USER_WORD})\\{{0,15}}[\"']?(?:\s*[=：]\s*|:\s*|\s+(?=[\"'`]))\\{{0,15}}[\"'`]?(?P<u>[A-Za-z\u4e00-\u9fff"
        rf"][^\s\"'`\\,;&(){{}}\[\]<>，；。、]*)"
        r"|(?:用户|操作人|负责人|联系人|申请人|姓名)\s+(?P<u2>[\u4e00-\u9fff·]{2,4}(?![\u4e00-\u9fff])|[A-Za-z][\w.-]*)"
        rf"|(?:用户|员工|同事|工程师)(?P<u4>[{_SURNAMES}][\u4e00-\u9fff]{{1,2}})(?![\u4e00-\u9fff])"
        r"|(?<![A-Za-z])(?i:name|contact|dba|by|author)\s{0,4}[=:：]\s{0,4}(?P<u3>[\u4e00-\u9fff·]{2,4})(?![\u4e00-\u9fff])",
        "the name after a user's label",
        "负责人: <<张三丰>>, 处理中",
        "the users of it",
    ),
    Detector(
        "short_user",
        r"(?<=\s)(?:-u|--user)(?:\s+|=)?(?P<u>(?!niq)[A-Za-z][\w.@#+-]{2,64})(?![\w.:])",
        "the value of -u",
        "mysql -u<<gwendolyn>> -h",
        "sort -u",
    ),
    Detector(
        "forwhom",
        r"(?i:password\s+for)\s+(?:user\s+)?[\"'`]?(?P<u>[A-Za-z][\w.-]*)",
        "the user of a password",
        "password for '<<gwendolyn>>'",
        "the password forever",
    ),
    Detector(
        "hostis",
        rf"(?<![A-Za-z])(?i:{HOST_WORD})\\{{0,15}}[\"']?(?:\s*[=：]\s*|:\s*)\\{{0,15}}[\"']?(?P<h>[^\s\"'\\,;&(){{}}\[\]<>，；。]+)"
        r"|(?<![A-Za-z])(?i:data source|server|endpoint)\s{0,4}=\s{0,4}(?P<h2>(?!zone)[A-Za-z][\w.-]*)",
        "the name after a host's label",
        "host=<<obs-77>>",
        "a host of them",
    ),
    Detector(
        "lookup",
        r"(?<![\w-])(?:lookup\s+(?!(?:error|failed|for|is|of|table|timed|took|was)\b)(?P<h>[A-Za-z][\w.-]+)"
        rf"|{_HOST_BEFORE}\s+(?P<h2>{_DISTINCTIVE_HOST}))",
        "a host after a verb",
        "ping <<obs-77>> failed",
        "server zone1 started",
    ),
    Detector("remote", rf"(?<![\w./:-])(?P<h>{_DISTINCTIVE_HOST})(?=:~?/[\w.])", "the host of scp", "scp <<obs-77>>:/data/1 .", "a:/b"),
    Detector("unc", r"(?<![\\\w])\\\\[\w.-]+(?:\\[\w.$-]+)+", "host and folders of a share", r"at \\<<obs-77>>\share\x", r"\\"),
    Detector(
        "path",
        rf"(?<![^\s\"'`(\[{{=:,;<>|，：。])~?/(?:{_PART}+(?:\ {_PART}+(?=/))?/)*{_PART}+/?|(?<!\w)[A-Za-z]:\\\\?(?:[\w.@+~ -]+\\\\?)+",
        "the folders of a path",
        "cd /home/<<u13812345678>>/My <<Documents>>/x",
        "1/2",
    ),
    Detector(
        "relative",
        rf"(?<![\w./@:$%+~-])(?:(?:\.{{1,2}}/)+(?:{_PART}++/)*{_PART}++|(?!\d+/\d+/)(?=[^\s/]{{0,80}}[A-Za-z\u4e00-\u9fff])(?:{_PART}"
        rf"++/){{2,}}{_PART}++)(?!/|:\d)",
        "the folders of a relative path that is marked as one or has three parts",
        "open conf/<<acmebank>>/<<gwendolyn>>/x.json",
        "read/write, task/dag/engine.go:12",
    ),
)

NUMBER_DETECTORS: tuple[Detector, ...] = (
    Detector(
        "id_card",
        r"(?<!\w)(?:(?<=身份证)|(?<=身份证[:： ])|(?<=身份证号[:： ])|(?![2]))"
        r"[1-8]\d{5}(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?!\w)",
        "the number of an identity card",
        "id <<11010519491231002X>>",
        "id 110105199913310020",
    ),
    Detector(
        "phone",
        r"(?<![\w.-])(?:\+?86[- ]?)?1[3-9]\d(?:\d{8}|[- ]\d{4}[- ]\d{4})(?![\w.])",
        "a mobile phone's number",
        "call <<13812345678>>",
        "17179869184 bytes",
    ),
    Detector(
        "labelled_number",
        r"(?:电话|手机号?|座机|传真|(?<![A-Za-z])(?i:tel|phone|mobile|fax))\s{0,4}[=:：]?\s{0,4}(?P<s>\+?\d[\d -]{5,18}\d)",
        "a number after the label of a telephone",
        "电话: <<010-85678901>>",
        "telephones: 12",
    ),
)
