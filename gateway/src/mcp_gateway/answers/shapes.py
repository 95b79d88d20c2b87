"""The shapes of secrets: kind, expression, and the words that one of them must begin with. Pure.

A group inside an expression narrows what is cut out. In RE2's dialect: no look-around, linear time.
"""

_WORD = "[A-Za-z0-9]"
_SAFE = "[A-Za-z0-9_-]"
_KEY = "[A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
_QUOTES = r"""["'\\ ]*"""
_END = r"\s|\\[nr]"  # of a line; the second in JSON inside JSON

SHAPES: tuple[tuple[str, str, str], ...] = (
    ("aws_key", "(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}", "AKIA ASIA ABIA ACCA"),
    (
        "aws_secret",
        r"""(?i:secret_?access_?key)["'\\ \t:=>]{1,8}([A-Za-z0-9/+]{40})""",
        "secret_access_key secretaccesskey SecretAccessKey",
    ),
    ("github_token", f"gh[pousr]_{_WORD}{{36,}}", "ghp_ gho_ ghu_ ghs_ ghr_"),
    ("github_token", f"github_pat_{_WORD}[A-Za-z0-9_]{{40,}}", "github_pat_"),
    ("gitlab_token", f"glpat-{_SAFE}{{20,}}", "glpat-"),
    (
        "slack_token",
        "xox[abeoprs]-[A-Za-z0-9-]{20,}",
        "xoxa- xoxb- xoxe- xoxo- xoxp- xoxr- xoxs-",
    ),
    ("slack_token", "xapp-[0-9]-[A-Za-z0-9-]{20,}", "xapp-"),
    (
        "slack_webhook",
        rf"hooks\.slack\.com/services/T{_WORD}{{6,}}/B{_WORD}{{6,}}/{_WORD}{{20,}}",
        "hooks.slack.com",
    ),
    (
        "stripe_key",
        f"[sr]k_(?:live|test)_{_WORD}{{16,}}",
        "sk_live_ rk_live_ sk_test_ rk_test_",
    ),
    ("stripe_key", f"whsec_{_WORD}{{30,}}", "whsec_"),
    ("google_key", f"AIza{_SAFE}{{35}}", "AIza"),
    ("google_key", f"GOCSPX-{_SAFE}{{28}}", "GOCSPX-"),
    ("google_token", rf"ya29\.{_SAFE}{{30,}}", "ya29."),
    (
        "model_key",
        f"sk-(?:ant|proj|svcacct|or)-{_SAFE}{{20,}}",
        "sk-ant- sk-proj- sk-svcacct- sk-or-",
    ),
    ("model_key", f"hf_{_WORD}{{34,}}", "hf_"),
    ("package_token", f"npm_{_WORD}{{36}}", "npm_"),
    ("index_token", f"pypi-AgE{_SAFE}{{50,}}", "pypi-AgE"),
    ("mail_key", rf"SG\.{_SAFE}{{22}}\.{_SAFE}{{43}}", "SG."),
    (
        "hubspot_token",
        "pat-(?:na|eu|ap)[0-9]-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        "pat-na pat-eu pat-ap",
    ),
    ("vault_token", rf"hvs\.{_SAFE}{{24,}}", "hvs."),
    ("cloud_token", "dop_v1_[a-f0-9]{64}", "dop_v1_"),
    ("shop_token", "shp(?:at|ss|ca|pa)_[a-fA-F0-9]{32}", "shpat_ shpss_ shpca_ shppa_"),
    (
        "jwt",
        rf"eyJ{_SAFE}{{10,}}\.{_SAFE}{{10,}}\.{_SAFE}{{16,}}(?:\.{_SAFE}+){{0,2}}",
        "eyJhbGci eyJ0eXAi eyJraWQi eyJlbmMi eyJqd2si eyJjdHki eyJ4NX",
    ),
    ("private_key", f"-----BEGIN {_KEY}(?s:.*?)-----END {_KEY}", "-----BEGIN"),
    (
        "private_key",  # cut off before its end
        f"-----BEGIN {_KEY}(?:{_END})*[A-Za-z0-9+/=]{{32,}}(?:[A-Za-z0-9+/=]|{_END})*",
        "",
    ),
    (
        "url_password",
        r"""://[^\s/:@"'<>]{1,100}:([^\s/@"'<>{}$*\\]{3,200})@[A-Za-z0-9\[]""",
        "",
    ),
    (
        "bearer",
        f"(?i:authorization){_QUOTES}[:=]{_QUOTES}(?i:bearer|basic) +([A-Za-z0-9._~+/=-]{{16,}})",
        "",
    ),
    ("card", "[0-9]{14,19}", ""),
    ("card", "[0-9]{4}(?:(?: [0-9]{4}){3}|(?:-[0-9]{4}){3})", ""),
    ("card", "3[0-9]{3}(?: [0-9]{6} [0-9]{4,5}|-[0-9]{6}-[0-9]{4,5})", ""),
)
# kinds of one length: with another character behind it, it is something else
FIXED = frozenset({"aws_key", "google_key", "package_token", "mail_key", "hubspot_token"})

# what must be there of a shape that no word begins
WITHOUT_A_WORD = (
    r"""://[^\s/:@"]{1,100}:[^\s/@"]{3}""",
    "(?i:authorization)",
    "(?i:secret_?access_?key)",
    "(?i:bearer|basic) [A-Za-z0-9._~+/=-]{16}",
    rf"eyJ{_SAFE}{{10,}}\.{_SAFE}{{10}}",
    "[0-9]{14}",
    "[0-9]{4}[ -][0-9]{4}[ -][0-9]{4}",
    "3[0-9]{3}[ -][0-9]{6}[ -]",
)
WORDS_IN_BASE64 = ("://", "uthorization: ")
# twelve digits or more, with spaces and hyphens between them
DIGITS_IN_BASE64 = "(?:[ILMNO][CDSTijyz][AEIMQUYcgk0][gtw-z0-5]){4}"
# in a JSON document: what is spelt with these may be any character
ESCAPES = (r"\\u00[2-7]", r"\\/")
