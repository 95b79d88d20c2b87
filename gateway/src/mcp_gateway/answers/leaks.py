"""What is a secret beyond doubt, in a text that goes to a client. Pure.

Wrong in the other direction than audit/detectors.py: there, a value too many is only missing from
the record; here, it is missing from an answer somebody needs. So everything has a shape of its own
(a prefix, a checksum, a frame), and a password in a sentence is not found. RE2 throughout: a server
chooses the text, and every search takes linear time.
"""

import re
from base64 import b64decode, b64encode
from bisect import bisect_left
from collections.abc import Iterator

import msgspec
import re2  # type: ignore[import-untyped]

from mcp_gateway.answers.shapes import (
    DIGITS_IN_BASE64,
    ESCAPES,
    FIXED,
    SHAPES,
    WITHOUT_A_WORD,
    WORDS_IN_BASE64,
)

_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{20,}+(?:\\?\r?\n[A-Za-z0-9+/_-]+)*={0,2}")
_DOUBLED = str.maketrans("0123456789", "0246813579")  # twice the digit, its own digits added
_SECRET_NAME = re.compile(rb"(?i)(?:aws_?)?secret_?access_?key")
_SECRET_VALUE = re.compile(rb"[A-Za-z0-9/+]{40}")
_ALONE = re.compile(rb"(?i)(?:bearer|basic) +([A-Za-z0-9._~+/=-]{16,})")
_ESCAPE = re.compile(rb"(?:\\[nrtbf]|\\u[0-9A-Fa-f]{4}|%[0-9A-Fa-f]{2})\Z")
_LONG = re.compile(rb"[A-Za-z0-9+/=]{32}")


class Leak(msgspec.Struct, frozen=True):
    """A secret in a text: where it stands, and what is to stand there instead."""

    start: int
    end: int
    instead: bytes
    # kind and text; in base64 there may be several
    secrets: tuple[tuple[str, bytes], ...]


def _in_base64(anchor: str) -> Iterator[str]:
    """What base64 makes of these characters, wherever they begin among threes: four each are 24
    bits, of which those at the ends may be somebody else's.
    """
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    bits = "".join(f"{ord(one):08b}" for one in anchor)
    for before in (0, 8, 16):
        known = "." * before + bits + "." * (-(before + len(bits)) % 24)
        made = ""
        for at in range(0, len(known), 6):
            six = known[at : at + 6]
            fits = [one for n, one in enumerate(alphabet) if re.fullmatch(six, f"{n:06b}")]
            made += "" if six == "......" else f"[{''.join(fits)}]" if fits[1:] else fits[0]
        yield made.replace("+", r"\+")


def compiled(*expressions: str) -> re2._Regexp:
    """Any of these, in bytes."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    return re2.compile("|".join(expressions).encode(), options)


_ANCHORS = [anchor for _, _, anchors in SHAPES for anchor in anchors.split()]
_IN_BASE64 = [
    *(one for anchor in (*_ANCHORS, *WORDS_IN_BASE64) for one in _in_base64(anchor)),
    DIGITS_IN_BASE64,
]
LAX = [*map(re.escape, _ANCHORS), *WITHOUT_A_WORD, *_IN_BASE64]
_KINDS = [kind for kind, _, _ in SHAPES]
_TEXT_SIEVE = compiled(*LAX)
_CODED = compiled(*_IN_BASE64)
SIEVE = compiled(*LAX, *ESCAPES)
# one group around each shape; inner groups narrow what is cut out
_EXACT = compiled(*(f"(?P<s{at}>{shape})" for at, (_, shape, _) in enumerate(SHAPES)))
_GROUPS = {index: int(name[1:]) for name, index in _EXACT.groupindex.items()}


def _leak(start: int, end: int, kind: str, secret: bytes) -> Leak:
    return Leak(start, end, marker(kind), ((kind, secret),))


def marker(kind: str) -> bytes:
    return b"[redacted: %s]" % kind.encode()


def find(text: bytes) -> list[Leak]:
    """Every secret in a text, in order, also in base64; none overlaps another."""
    if _TEXT_SIEVE.search(text) is None:
        return []
    found = list(_plain(text))
    if (alone := _ALONE.fullmatch(text)) and any(one in alone[1] for one in b"0123456789"):
        found.append(_leak(*alone.span(1), "bearer", alone[1]))
    coded = [match.start() for match in _CODED.finditer(text)]
    for run in _BASE64.finditer(text) if coded else ():
        here = bisect_left(coded, run.start())
        if here < len(coded) and coded[here] < run.end() and not _overlaps(run, found):
            found += _within(run)
    return sorted(found, key=lambda one: one.start)


def _overlaps(run: re.Match[bytes], found: list[Leak]) -> bool:
    return any(one.start < run.end() and run.start() < one.end for one in found)


def value_of(name: bytes, value: bytes) -> Leak | None:
    """A secret that has no shape, beside a name that has no other meaning."""
    if _SECRET_NAME.fullmatch(name) and _SECRET_VALUE.fullmatch(value):
        return _leak(0, len(value), "aws_secret", value)
    return None


def replaced(text: bytes, leaks: list[Leak]) -> bytes:
    parts, at = [], 0
    for leak in leaks:
        parts += [text[at : leak.start], leak.instead]
        at = leak.end
    return b"".join([*parts, text[at:]])


def _plain(text: bytes) -> Iterator[Leak]:
    for match in _EXACT.finditer(text):
        groups = [index for index in _GROUPS if match.start(index) >= 0]
        kind, inner = _KINDS[_GROUPS[groups[0]]], groups[0] + 1
        narrow = inner not in _GROUPS and inner <= _EXACT.groups and match.start(inner) >= 0
        start, end = match.span(inner if narrow else groups[0])
        if narrow or _stands_alone(text, start, end, kind):
            secret = text[start:end]
            if (kind != "card" or _card(secret)) and (
                kind != "private_key" or _LONG.search(secret)
            ):
                yield _leak(start, end, kind, secret)


def _within(run: re.Match[bytes]) -> Iterator[Leak]:
    """Secrets inside base64: it stays base64, of the same content without them."""
    plain = re.sub(rb"[\\\s]", b"", run[0]).translate(bytes.maketrans(b"-_", b"+/")).rstrip(b"=")
    for offset in range(4):
        whole = plain[offset:] + b"=" * (-len(plain[offset:]) % 4)
        if len(plain[offset:]) % 4 == 1:
            whole = plain[offset:-1]
        content = b64decode(whole)
        if leaks := list(_plain(content)):
            instead = plain[:offset] + b64encode(replaced(content, leaks))
            secrets = tuple(one for leak in leaks for one in leak.secrets)
            yield Leak(run.start(), run.end(), instead, secrets)
            return


def _stands_alone(text: bytes, start: int, end: int, kind: str) -> bool:
    """Not the middle of a longer word; an escape before it is no part of it."""
    last, after = text[max(0, start - 1) : start], text[end : end + 2]
    joined = _joins(last, b"._-+/" if kind == "card" else b"_")
    if joined and _ESCAPE.search(text[max(0, start - 6) : start]) is None:
        return False
    if kind == "card":
        goes_on = after[:1] in (b".", b"-") and after[1:].isalnum()
        return not (goes_on or _joins(after[:1], b"_+/="))
    return kind not in FIXED or not _joins(after[:1], b"_")


def _joins(byte: bytes, marks: bytes) -> bool:
    return bool(byte) and (byte.isalnum() or byte in marks)


def _card(secret: bytes) -> bool:
    digits = secret.decode().replace(" ", "").replace("-", "")
    size, two, three, four = len(digits), int(digits[:2]), int(digits[:3]), int(digits[:4])
    issued = (
        (size == 16 and (digits[0] == "4" or 51 <= two <= 55 or 2221 <= four <= 2720))
        or (size == 16 and (four == 6011 or 644 <= three <= 659 or 3528 <= four <= 3589))
        or (size == 16 and two == 62)
        or (size == 15 and two in (34, 37))
        or (size == 14 and (two in (36, 38, 39) or 300 <= three <= 305))
    )
    doubled = digits[-2::-2].translate(_DOUBLED)
    return issued and (sum(map(int, digits[-1::-2])) + sum(map(int, doubled))) % 10 == 0
