"""Detectors of secrets in sentences, English and Chinese: `the password was changed to …`, `密码已改成 …`."""

from __future__ import annotations

from daganalysis.redaction.detector import Detector
from daganalysis.secret_words import DRAWN, MARK, MIXED, SECRET_WORD, VALUE

_NO_VALUE = (
    r"(?!(?i:a|an|and|any|as|at|be|because|being|by|can|cannot|changed|configured|correct|currently|different|disabled|empty|enabled"
    r"|encrypted|expired|expiring|for|from|generated|"
    r"hashed|if|in|incorrect|invalid|it|its|left|longer|lost|masked|missing|needed|never|no|not|now|null|of|ok|okay|old|on|only|opti"
    r"onal|or|protected|"
    r"provided|read|required|reset|rotated|same|saved|set|shorter|stored|that|the|then|this|to|too|unchanged|under|unknown|unset|upd"
    r"ated|used|using|valid|verified|"
    r"via|weak|when|which|will|with|without|wrong|your|[a-z]{2,20}(?:ed|ing|ly|able|ible|ful))(?![\w@#$%!-]))"
)
_BE = r"(?i:is|was|are|be|been|became|becomes|were|has\s+been|have\s+been|will\s+be|should\s+be|must\s+be)(?![A-Za-z])"
_SET = r"(?i:set|reset|changed|updated|rotated|modified|switched|altered|initiali[sz]ed|replaced)"
_TO = r"(?i:to|with|as)"
_WORDS = rf"(?:{SECRET_WORD}|pw(?=\s+\w))"
_KEY = rf"(?<![A-Za-z])(?:[\w-]{{0,40}}[_-])?(?i:{_WORDS})s?(?![A-Za-z])"
_COLON = r"[ \t]{0,4}[:：=]?[ \t]{0,4}"
_LATIN = r"[\"'“‘「`\s]{0,4}(?P<%s>(?=[!-~]{3})[A-Za-z0-9!@#$%%^&*_+=.~?/|-]{3,200})"
_CHINESE_KEY = r"(?i:密\s?码|口令|密钥|私钥|令牌|验证码|授权码|(?<![A-Za-z])(?:password|passwd|pwd|token|secret)(?![A-Za-z_]))"
_CHINESE_MEASURE = (
    r"(?![^\s，。]{0,3}(?:长度|有效期|超时|过期|次数|个数|策略|复杂度|数量|大小|版本|文件|路径|错误|类型|规则|学|套件|任务|桶|算法|轮换|"
    r"服务|管理|模块|插件|框架|协议|失败|校验))"
)
_CHINESE_SET = (
    r"(?:[\u4e00-\u9fffA-Za-z@]{0,12}?(?:改|换|变|设|重置|更新|修改|调整|变更|置|定|初始化|恢复)[\u4e00-\u9fff]{0,3}?(?:成|为|是|到|"
    r"作|了)|[\u4e00-\u9fffA-Za-z"
    r"@]{0,8}?(?:就?是|为|叫|用|填|输入?))"
    r"(?:了)?\s{0,4}[：:]?\s{0,4}"
)
_PAIR_VALUE = r"[ \t]{0,4}[:：=]?[ \t]{0,4}(?P<u3>[A-Za-z][\w.@#-]{1,64})[ \t]{0,4}[/／|、,，][ \t]{0,4}(?P<s3>[^\s\"'，。,;；]{3,200})"

SPOKEN_SECRETS: tuple[Detector, ...] = (
    Detector(
        "changed_from",
        rf"{_KEY}(?:[ \t]+[\w.@'-]{{1,40}}){{0,6}}?[ \t]+(?i:from)[ \t]+{MARK}?(?P<s>[^\s\"'`]{{4,200}}){MARK}?[ \t]+(?i:to)[ \t]+"
        rf"{MARK}?{_NO_VALUE}(?P<s2>[^\s\"'`,;]{{3,200}})",
        "the old and the new secret in a sentence",
        "password changed from <<hunterone>> to <<huntertwo>>",
        "password changed by root",
    ),
    Detector(
        "login_pair",
        rf"(?<![A-Za-z])(?:(?i:log(?:ged)?[ \t-]?(?:in|on)|login|登[录陆](?:用|使用)?|sign(?:ed)?[ \t]?in|authenticate|connect(?:ed)?|crede"
        rf"ntials?|creds|account)[ \t]{{0,4}}(?i:with|as|using|via|are|is|by)?"
        rf"(?=[^\n]{{0,80}}?[/／|]))[ \t]{{0,4}}[:：=]?[ \t]{{0,4}}(?P<u>[A-Za-z][\w.@#-]{{1,64}})[ \t]{{0,4}}[/／|][ \t]{{0,4}}(?=[^\s]"
        rf"{{0,60}}[\d!@#$%^&*]|\S{{1,80}}(?:\s|$))(?P<s>[^\s\"',;，。]{{3,200}})"
        rf"|(?:(?i:user(?:name)?|account|login|用户名?|账号|帐号|账户)[ \t]{{0,2}}[/／、&和及|]?[ \t]{{0,2}}(?i:password|passwd|pwd|p"
        rf"ass|密码|口令))"
        rf"{_PAIR_VALUE}"
        r"|(?:用户名?|账号|帐号|账户)(?:密码|口令)[ \t:：]{1,4}(?P<u5>[A-Za-z][\w.@#-]{1,64})[ \t]{1,4}(?P<s5>[!-~]{3,200})",
        "user and secret with a slash between them",
        "account/password: <<gwendolyn>>/<<hunterous>>",
        "user/password is wrong",
    ),
    Detector(
        "two_labels",
        r"(?<![A-Za-z])(?i:user(?:name)?|login|account|账号|帐号|账户|用户名?)[ \t]{0,4}[:：=是为]?[ \t]{0,4}(?i:is[ \t]+)?[\"'“`]?("
        r"?P<u>[A-Za-z"
        r"][A-Za-z\d_.@#-]{1,64})[\"'”`]?(?:[ \t]{0,4}[,，、;；]|[ \t]{1,4}|(?=[\u4e00-\u9fff]))[ \t\n]{0,4}(?i:and[ \t]+|with[ \t]+|th"
        r"e[ \t]+|its[ \t]+|登[录陆]|的|和){0,2}"
        r"(?i:pass(?:word|wd|code)?|pwd?|密码|口令)[ \t]{0,4}(?:[:：=是为]|(?i:is)[ \t])?[ \t]{0,4}[\"'“`]?(?!(?i:is|was|not|failed|of|and|"
        r"or|for|auth\w*|wrong|incorrect|expired)\b)(?P<s>[!-~]{3,200})",
        "user and secret, each with a label",
        "login <<gwendolyn>>, password <<hunterous>>",
        "user u, password of it",
    ),
    Detector(
        "netrc_lines",
        r"(?<!\w)login\s{1,8}(?P<u>[A-Za-z][\w.@-]{0,100})\s{1,8}password\s{1,8}(?P<s>\S{1,200})",
        "user and password of a file .netrc",
        "login <<gwendolyn>>\n password <<hunterous>>",
        "login u",
    ),
    Detector(
        "colon_login",
        r"(?<![A-Za-z])(?i:creds?|credentials?|logins?|账号密码|用户名密码)[ \t]{0,2}[:：=][ \t]{0,4}[\"']?(?P<u>[A-Za-z][\w.@#-]{1,"
        r"64}):(?P<s"
        r">[^\s\"'，。]{3,200})",
        "user and secret with a colon between them",
        "creds: <<gwendolyn>>:<<hunterous>>",
        "logins: 3",
    ),
    Detector(
        "login_with",
        r"(?<![A-Za-z])(?i:use|using|with|via|as)[ \t]+(?P<u>[A-Za-z][A-Za-z\d_.@#-]{1,64}):(?P<s>[^\s\"'/，。]{4,200})(?=[ \t]+(?i:to"
        r"|for)[ \t]+(?i:log|sign|connect|auth|access|enter|get))",
        "user and secret for a login",
        "use <<gwendolyn>>:<<hunterous>> to log in",
        "use a:b",
    ),
    Detector(
        "key_is",
        rf"(?<![A-Za-z])(?i:key)[ \t]+(?i:is|was)[ \t:]+{DRAWN}(?P<s>[!-~]{{8,128}})",
        "a key in a sentence",
        "the key is <<hunterSecret99>>",
        "the key is tenant_id",
    ),
    Detector(
        "code",
        r"(?<![A-Za-z])(?i:pin|otp|passcode|(?:verification|security|access|one[- ]time)[ \t](?:code|password))(?i:[ \t]code)?[ \t]{"
        r"0,2}(?:[:：=#]|(?i:is|was))?[ \t]{0,4}(?P<s>\d[\d -]{2,10}\d)(?!\d)",
        "a code that was sent",
        "PIN <<482913>> sent",
        "pin 3 of 5",
    ),
    Detector(
        "reset_to",
        rf"(?<![A-Za-z])(?i:reset|changed|set|switched|rotated)[ \t]+(?:root|sys|admin|sa|oceanbase|root@sys|root@\w{{1,20}})[ \t]+to"
        rf"[ \t]+{MARK}?{MIXED}(?P<s>[^\s\"'`]{{6,200}})",
        "the new secret of an account",
        "I reset root to <<hunterous9>>",
        "set root to false",
    ),
    Detector(
        "used_as",
        rf"(?<![A-Za-z])(?i:use|used|using|enter|entered|type|typed|tried|try|with|set|chose|choose|pick|picked|put)[ \t]+{MARK}?"
        rf"{_NO_VALUE}"
        rf"(?:{MIXED}|(?=\S{{6}}))(?P<s>[^\s\"'`]{{4,200}}){MARK}?[ \t]+(?i:as|for)[ \t]+(?:[\w'.-]{{1,30}}[ \t]+){{0,4}}?(?i:passw"
        rf"ord|passwd|passphrase|passcode|pwd|pin|secret)(?![\w])",
        "a value used as a secret",
        "use <<hunterous>> as the root password",
        "set it as the password",
    ),
    Detector(
        "sentence",
        rf"{_KEY}(?:(?:[ \t]+(?i:for|of)[ \t]+(?:(?i:the|user|tenant|account|root|sys)[ \t]+){{0,2}}{MARK}?(?P<u>[A-Za-z][\w.@-]{{0,6"
        rf"0}}){MARK}?)?[ \t]+(?i:(?:has|have|had|will|should|must)[ \t]+)?"
        rf"(?:{_BE}(?:[ \t]+(?i:now|still|currently|simply|just|already|successfully)){{0,2}}(?:[ \t]+{_SET}(?:[ \t]+(?i:back))?[ \t]"
        rf"+{_TO})?|{_SET}[ \t]+{_TO}){_COLON}{_NO_VALUE}{VALUE}"
        rf"|[ \t]+(?i:(?:for|of)\s+{MARK}?[A-Za-z][\w.-]{{0,60}}{MARK}?\s*(?:=|:|：)\s*(?P<s2>\S+))"
        rf"|[ \t]+{MIXED}(?=\S{{8}})(?![\w.-]+\.\w|\d{{4}}-|\w+:)(?P<t2>\S+)"
        rf"|(?:[ \t]+[\w.@'/:-]{{1,40}}){{1,10}}?[ \t]+(?:{_TO}|(?i:is|was|be|now))[ \t:]+{MARK}?{DRAWN}(?P<s4>[!-~]{{6,128}}))",
        "a value that a sentence calls a secret",
        "root_password is <<hunterous>>",
        "the password is not set",
    ),
    Detector(
        "after_word",
        rf"{_KEY}(?:[ \t]{{1,4}}(?:(?i:to|as)[ \t]+)?|[ \t]?[-–—(（\[【:：）)\]】]{{1,2}}[ \t]?)(?!(?i:for|of|is|was|convertto\S*)\b)[A-Za"
        rf"-z][\w@#$!.+-]{{5,63}}(?![\w:=(\"'/])"
        r"|(?:密\s?码|口令)[ \t:：]{0,4}[A-Za-z][\w@#$!.+-]{5,63}(?![A-Za-z\d])|(?<![\w-])(?:AUTH|PASS)[ \t]+(?:[a-z]{3,20}[ \t]+)?[A-Za-"
        r"z][\w@#$!.+-]{5,63}(?=\s|$)",
        "an unusual word after a word for a secret",
        "ssh root@a (pw <<mangoleaf>>)",
        "token authentication failed",
    ),
    Detector(
        "chinese",
        rf"{_CHINESE_KEY}{_CHINESE_MEASURE}(?:[\u4e00-\u9fff]{{0,4}}?(?:从|由)\s{{0,4}}{_LATIN % 's'}\s{{0,4}}[\u4e00-\u9fff]{{1,6}}\s"
        rf"{{0,4}}{_LATIN % 's2'}"
        rf"|{_CHINESE_SET}{_LATIN % 's3'}|(?:[（(][^\s()（）]{{1,20}}[)）])?[\u4e00-\u9fff]{{0,10}}\s{{0,2}}[：:（(\"“】\]]?\s{{0,4}}"
        rf"(?!(?i:"
        rf"dag|node|task|tenant|zone|server|host|obs?|stage|agent|mysql|utf|sha|md|aes|rsa|v)[\w-]{{0,20}}\d)(?![\d.]+(?:[a-z]{{1,3}}"
        rf"|%)?(?![!-~]))(?=[^\s\u4e00-\u9fff]{{0,40}}\d){_LATIN % 's4'})"
        rf"|(?:用|输入|使用|填)\s{{0,4}}{_LATIN % 's5'}\s{{0,4}}(?:作为|当作?|做|为|是)[\u4e00-\u9fffA-Za-z]{{0,8}}?{_CHINESE_KEY}",
        "a value that a Chinese sentence calls a secret",
        "root密码已改成 <<hunterous>>，请知悉",
        "密码长度改为 abcd1024",
    ),
)
