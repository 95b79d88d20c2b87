"""What looks like a secret: by the name of a field, or by the text itself. Pure.

Wrong in the safe direction: a value taken for a secret is missing from the record, while its
commitment stays. Every expression runs in linear time: a caller chooses the text.
"""

import binascii
import math
import re
import unicodedata
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import unquote

# compared without case and punctuation: `API-Key`, `apiKey` and `api_key` are one name
_NAMES_CONTAIN = (
    "password", "passwd", "passphrase", "passcode", "secret", "apikey", "accesskey", "privatekey",
    "privkey", "sshkey", "signingkey", "credential", "authorization", "clientassertion",
)  # fmt: skip
_NAMES_END = ("token", "jwt", "cookie", "pwd", "otp")
_NAMES_ARE = frozenset(
    {
        "auth", "bearer", "pass", "pw", "pin", "pincode", "otpcode", "cvv", "cvc", "iban", "ssn",
        "pan", "sessionid", "cardnumber",
    }
)  # fmt: skip

# A search for the mark is many times quicker than the expression, and most texts hold none.
_MARKED = tuple(
    (mark, kind, re.compile(expression))
    for mark, kind, expression in (
        ("eyJ", "jwt", r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{8,}+\."),
        ("-----BEGIN", "private_key", r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY"),
        ("AKIA", "api_key", r"\bAKIA[A-Z0-9]{16}"),
        ("ASIA", "api_key", r"\bASIA[A-Z0-9]{16}"),
        ("AIza", "api_key", r"AIza[A-Za-z0-9_-]{30}"),
        ("ya29.", "api_key", r"ya29\.[A-Za-z0-9_-]{20}"),
        ("sk-", "api_key", r"\bsk-(?:[A-Za-z0-9_-]{20}|(?:live|test|proj|ant)-)"),
        ("sk_", "api_key", r"\bsk_(?:live|test)_[A-Za-z0-9]{8}"),
        ("pk_", "api_key", r"\bpk_(?:live|test)_[A-Za-z0-9]{8}"),
        ("rk_", "api_key", r"\brk_(?:live|test)_[A-Za-z0-9]{8}"),
        ("ghp_", "api_key", r"ghp_[A-Za-z0-9]{20}"),
        ("gho_", "api_key", r"gho_[A-Za-z0-9]{20}"),
        ("ghu_", "api_key", r"ghu_[A-Za-z0-9]{20}"),
        ("ghs_", "api_key", r"ghs_[A-Za-z0-9]{20}"),
        ("ghr_", "api_key", r"ghr_[A-Za-z0-9]{20}"),
        ("github_pat_", "api_key", r"github_pat_[A-Za-z0-9_]{20}"),
        ("glpat-", "api_key", r"glpat-[A-Za-z0-9_-]{16}"),
        ("xox", "api_key", r"\bxox[abeoprs]-[A-Za-z0-9-]{10}"),
        ("xapp-", "api_key", r"xapp-[A-Za-z0-9-]{10}"),
        ("pat-", "api_key", r"\bpat-(?:na|eu|ap)[0-9]-[0-9a-f]{8}"),
        ("hf_", "api_key", r"\bhf_[A-Za-z0-9]{20}"),
        ("npm_", "api_key", r"\bnpm_[A-Za-z0-9]{20}"),
        ("pypi-", "api_key", r"\bpypi-[A-Za-z0-9_-]{16}"),
        ("SG.", "api_key", r"\bSG\.[A-Za-z0-9_-]{16}"),
        ("shp", "api_key", r"\bshp(?:at|ss|ca)_[A-Fa-f0-9]{16}"),
        ("dop_v1_", "api_key", r"dop_v1_[a-f0-9]{16}"),
        ("hvs.", "api_key", r"\bhvs\.[A-Za-z0-9_-]{16}"),
        ("://", "url_password", r"[A-Za-z]://[^\s/:@]{0,100}:[^\s/@]{1,200}@"),
    )
)
# Looking for each mark costs more than all else here, so most are looked for where they end.
_STEMS = {
    end: tuple(mark[:-1].rpartition(end)[2] for mark, *_ in _MARKED if mark[-1] == end)
    for end in "-_."
}
_OTHER_MARKS = tuple(mark for mark, *_ in _MARKED if mark[-1] not in _STEMS)
_SCHEME = r"\b(?:bearer|basic)\s{1,4}(?=[a-z+/_~-]{0,60}[0-9.=+/_~-])[a-z0-9._~+/=-]{8}"
# JSON in JSON in JSON has a longer row of backslashes each time
_NAMED = (
    r"(?:passw(?:or)?d|passphrase|secret|api[-_ ]?key|access[-_ ]?key|private[-_ ]?key|token"
    r"|authorization|\bpwd)\\*+[\"']?\s{0,8}(?:[:=]|-?>)\s{0,8}\\*+[\"']?[^\s\"',;]{3}"
)
_OPTION = (
    r"--(?:passw(?:or)?d|passphrase|secret|api-?key|access-?key|token|pwd)\s{1,4}[^\s\"',;-]{3}"
)
# in lower case
_MARKED_LOWER = tuple(
    (mark, kind, re.compile(expression))
    for marks, kind, expression in (
        (("bearer", "basic"), "bearer", _SCHEME),
        (
            ("passw", "passph", "secret", "key", "token", "authoriz", "pwd"),
            "password",
            f"{_NAMED}|{_OPTION}",
        ),
    )
    for mark in marks
)
_DIGITS = re.compile(r"[0-9]+(?:[ -][0-9]+)*+")
_DOUBLED = str.maketrans("0123456789", "0246813579")  # twice the digit, its own digits added
_DIGITS_ONLY = b"0123456789"
_CARD_LENGTH = 13
_WORD = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-"
_BETWEEN_WORDS = bytes(c if c in _WORD else ord(" ") for c in range(256))
_WORD_LENGTH = 16
_SHORTEST = 8  # below it, only a name or a path gives a text away
_RANDOM_LENGTH = 24
_RANDOM_BITS, _RANDOM_BITS_IN_A_PATH = 4.0, 4.4  # per character; words of a language stay below
_SHORT_LENGTH, _RANDOM_BITS_SHORT = 32, 3.6  # fewer characters repeat by chance more often
_CHANGES = re.compile(r"[a-z]+|[A-Z]+|[0-9]+|[^a-zA-Z0-9]+")
_MOST_A_RUN = 2.5  # characters of one class in a row, on average; written names have longer runs
_NAME_SAMPLE = 200
_SAMPLE = 256  # characters are enough to tell random from written
_UNSEEN = re.compile("[\xad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]+")
_CLOSELY = 65_536  # characters: one may be drawn as eighteen
_MOST_UNQUOTED = 3  # times, one within the other


def secret_name(name: str) -> bool:
    """Whether a field of this name holds a secret whatever it contains."""
    return _named_like_one(name[:_NAME_SAMPLE])


@lru_cache(maxsize=4096)  # the same names call after call; bounded, as callers choose them
def _named_like_one(name: str) -> bool:
    if not name.isascii():
        name = unicodedata.normalize("NFKC", name)
    plain = "".join(c for c in name.casefold() if c.isalnum())
    return (
        plain in _NAMES_ARE
        or plain.endswith(_NAMES_END)
        or any(part in plain for part in _NAMES_CONTAIN)
    )


def secret_text(text: str) -> str | None:
    """What kind of secret is in this text, also percent- or base64-encoded; None for none."""
    if len(text) < _SHORTEST:
        return None
    for spelt in _spellings(text):
        if found := _plain(spelt):
            return found
    for word in text.encode("utf-8", "replace").translate(_BETWEEN_WORDS).split():
        if len(word) < _WORD_LENGTH:
            continue
        token = word.decode()
        if _random(token):
            return "high_entropy"
        if (inner := _decoded(token)) and (found := _plain(inner)):
            return found
    return None


def card_number(text: str) -> bool:
    """Whether a payment card's number stands in these digits, alone or among other groups."""
    data = text.encode("utf-8", "replace")
    if len(data) - len(data.translate(None, _DIGITS_ONLY)) < _CARD_LENGTH:
        return False
    for run in _DIGITS.finditer(text):
        if run.end() - run.start() < _CARD_LENGTH:
            continue
        groups = run.group().replace("-", " ").split(" ")
        if len(groups) <= 19 and all(len(group) < 3 for group in groups):
            groups = ["".join(groups)]  # digit by digit, or in pairs
        for start, first in enumerate(groups):
            if len(first) < 3:
                continue
            digits = ""
            for at in range(start, len(groups)):  # a slice would copy what follows, each time
                digits += groups[at]
                if len(digits) > 19:
                    break
                if len(digits) >= _CARD_LENGTH and _issued(digits) and _luhn(digits):
                    return True
    return False


def _plain(text: str) -> str | None:
    if _has_a_mark(text):
        for mark, kind, expression in _MARKED:
            if mark in text and expression.search(text):
                return kind
    lower = text.lower()
    for mark, kind, expression in _MARKED_LOWER:
        if mark in lower and expression.search(lower):
            return kind
    return "card_number" if card_number(text) else None


def _has_a_mark(text: str) -> bool:
    for end, stems in _STEMS.items():
        if end in text:
            for part in text.split(end):
                if part.endswith(stems):
                    return True
    return any(mark in text for mark in _OTHER_MARKS)


def _spellings(text: str) -> Iterator[str]:
    """The text; as it is drawn, without what nobody sees; and with what percent signs hide."""
    yield text
    closely = len(text) <= _CLOSELY
    if closely and not text.isascii():
        yield _UNSEEN.sub("", unicodedata.normalize("NFKC", text))
    for _ in range(_MOST_UNQUOTED if closely else 1):
        if "%" not in text or (inside := unquote(text)) == text:
            return
        yield inside
        text = inside


def _issued(digits: str) -> bool:
    """Whether a card network gives out numbers like this: Luhn alone passes one in ten."""
    size, two, four = len(digits), int(digits[:2]), int(digits[:4])
    return (
        (digits[0] == "4" and size in (13, 16, 19))
        or ((51 <= two <= 55 or 2221 <= four <= 2720) and size == 16)
        or (two in (34, 37) and size == 15)
        or (two in (30, 36, 38, 39) and size == 14)
        or ((four == 6011 or two in (35, 62, 64, 65)) and 16 <= size <= 19)
    )


def _luhn(digits: str) -> bool:
    doubled = digits[-2::-2].translate(_DOUBLED)
    return (sum(map(int, digits[-1::-2])) + sum(map(int, doubled))) % 10 == 0


def _random(token: str) -> bool:
    """Mixed case and digits without the repetition of words: a key, most likely."""
    if len(token) < _RANDOM_LENGTH:
        return False
    sample = token[:_SAMPLE]
    if sample.islower() or sample.isupper() or not any(c.isdigit() for c in sample):
        return False
    size = len(sample)
    bits = -sum(n / size * math.log2(n / size) for n in Counter(sample).values())
    if "/" in sample:
        return bits >= _RANDOM_BITS_IN_A_PATH
    if size / len(_CHANGES.findall(sample)) > _MOST_A_RUN:
        return False
    return bits >= (_RANDOM_BITS_SHORT if size < _SHORT_LENGTH else _RANDOM_BITS)


def _decoded(token: str) -> str | None:
    plain = token.replace("-", "+").replace("_", "/")
    try:
        text = b64decode(plain + "=" * (-len(plain) % 4)).decode()
    except (binascii.Error, ValueError):
        return None
    return text if len(text) >= _SHORTEST and text.isprintable() else None
