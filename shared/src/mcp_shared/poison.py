"""What a definition may not say: what nobody sees, orders to a model, the place of others' tools.

Pure: no clock, no network, no state. The lint reports what is found here; the gateway does not
load it. Phrases are those known to have been used: what is not found may still be there.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mcp_shared.contract import hidden

MAX_DEPTH = 64
AROUND = 200  # characters beside a tool's name: more than the expressions below look at
TOO_DEEP = "…"  # stands where the definition goes on below
_NOT_READ = {"hash", "icons"}
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,128}")  # the protocol's own recommendation (SEP-986)

_TALK = r"(?:instructions?|prompts?|rules?|tools?|messages?|guidelines?)"
_NO_NEGATION = r"(?:(?!\b(?:not|never|no|cannot)\b|n't\b)[^.!?\n])*"
_ANY_TOOL = r"(?:any|every|all|each)(?: of the)?(?: other)? tools?\b"
ORDERS = {
    "sets other instructions aside": (
        rf"\b(?:ignore|disregard|forget|override|bypass)\b[^.]{{0,40}}\b{_TALK}\b"
    ),
    "keeps something from the person": (
        r"\b(?:do not|don't|never|avoid)\b(?:(?!\bwithout\b)[^.]){0,20}"
        r"\b(?:tell|inform|notify|alert|mention\w*|reveal\w*|disclos\w+|telling|informing)\b"
        r"[^.]{0,30}\b(?:user|person|human|anyone|anybody)\b"
        r"|\b(?:do not|don't|never) (?:mention|reveal|disclose) (?:this|it|that)(?=[.,;!]|$| to\b)"
        # "never without asking" is the opposite, so no negation may stand before it
        rf"|(?:^|[.!?\n]){_NO_NEGATION}\bwithout (?:asking|telling|informing|notifying)\b"
        r"[^.]{0,20}\b(?:user|person|human)\b"
    ),
    "places itself before other tools": (
        r"\b(?:always|must|first)\b[^.]{0,30}\b(?:use|call|invoke|run|prefer)\b[^.]{0,20}"
        r"\b(?:this|it)\b(?: tool)?[^.]{0,20}\b(?:first|before|instead|over)\b"
        rf"|\b(?:before|instead of|rather than|over) (?:using |calling )?{_ANY_TOOL}"
        rf"|\b(?:replaces?|supersedes?|overrides?) {_ANY_TOOL}"
        r"|\bprefer this tool\b|\b(?:never|do not|don't) use (?:any )?other tools?\b"
    ),
    "asks for what a tool has no business with": (
        r"\bsystem prompt\b|\bdeveloper message\b|~/\.\w+|\bid_rsa\b|/etc/passwd\b"
        r"|\b(?:chat|conversation) (?:history|log)\b|\b(?:entire|whole|full) conversation\b"
    ),
    "is marked up as if by the host": (
        r"<\s*/?\s*(?:important|system|instructions?|secret|assistant|user|critical)\s*>|<!--"
        r"|\[/?INST\]|<\|"
    ),
    "loads an image from elsewhere": r"!\[[^\]]{0,200}\]\(\s*(?:https?:)?//|<\s*img\b",
    "carries a block nobody can read": r"[A-Za-z0-9+/]{120,}={0,2}",
    "is pushed out of sight by blanks": r"\S[^\S\n]{40}|(?:\n[^\S\n]{0,20}){10}",
}  # fmt: skip
_ORDERS = {what: re.compile(pattern, re.IGNORECASE) for what, pattern in ORDERS.items()}
_LETTERS = re.compile(r"[^\W\d_]{2,}")
# Cyrillic and Greek letters that are drawn as Latin ones: a name of nothing else is a disguise
_TWINS = frozenset("аеорсухіјѕԁһӏԛԝАВЕКМНОРСТУХІЈЅοινρκΑΒΕΖΗΙΚΜΝΟΡΤΥΧ")
_STYLED = re.compile("[\uff21-\uff5a\u24b6-\u24e9\U0001d400-\U0001d7ff\U0001f130-\U0001f189]")


@dataclass(frozen=True, slots=True)
class Poison:
    """One thing that does not belong: where it stands, what it does, and the words."""

    where: str
    what: str
    unseen: bool = False

    def __str__(self) -> str:
        return f"{self.where} {self.what}"


def texts(value: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Every text of a definition that a model or a client may read, with where it stands."""
    if isinstance(value, str):
        yield path, value
    elif depth > MAX_DEPTH:
        yield path, TOO_DEEP
    elif isinstance(value, Mapping):
        for key, child in value.items():
            if not path and key in _NOT_READ:
                continue
            where = f"{path}.{key}" if path else str(key)
            if path:  # keys below the top are argument and field names
                yield f"{where} (name)", str(key)
            yield from texts(child, where, depth + 1)
    elif isinstance(value, list):
        for number, child in enumerate(value):
            yield from texts(child, f"{path}[{number}]", depth + 1)


def poisons(definition: Mapping[str, Any]) -> Iterator[Poison]:
    """What does not belong in a tool, a prompt, or what a server says of itself."""
    name = definition.get("name")
    if isinstance(name, str) and not _NAME.fullmatch(name):
        yield Poison("name", f"is not of plain letters, digits, `_`, `.` and `-`: {name[:80]!a}")
    for where, text in texts(definition):
        if text == TOO_DEEP:
            yield Poison(where, f"nests deeper than {MAX_DEPTH} levels, where nobody reads", True)
            continue
        if found := hidden(text):
            yield Poison(where, f"has invisible characters: {', '.join(found[:5])}", True)
        plain = _as_read(text)
        for what, pattern in _ORDERS.items():
            if match := pattern.search(plain):
                yield Poison(where, f"{what}: {_shown(match[0])}")
        for word in sorted(_disguised(text)):
            yield Poison(where, f"mixes alphabets within {word!r}, or draws it in another one")


def shadows(definition: Mapping[str, Any], others: Iterable[str]) -> Iterator[Poison]:
    """Where a definition tells a model to take it in place of another server's tool.

    `others`: names of other servers' tools, plain and as the aggregate endpoint has them.
    """
    names = sorted((one for one in others if one), key=len, reverse=True)
    if not names:
        return
    tool = re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, names))})(?![\w-])", re.IGNORECASE)
    for where, text in texts(definition):
        for sentence in re.split(r"(?<=[.!?;])\s+|\n\s*\n", _as_read(text)):
            for match in tool.finditer(sentence):
                if not _is_a_tool(match, sentence):
                    continue
                before = sentence[max(match.start() - AROUND, 0) : match.start()]
                after = sentence[match.end() : match.end() + AROUND]
                if _BEFORE.search(before) or _AFTER.match(after):
                    shown = _shown(f"{before[-50:]}{match[0]}{after[:40]}")
                    yield Poison(where, f"speaks for another server's tool: {shown}")


def foreign(server: str, tools: Mapping[str, Iterable[str]]) -> frozenset[str]:
    """The names of all other servers' tools that are not this server's own, too."""
    own = set(tools.get(server, ()))
    plain = {name for other, names in tools.items() if other != server for name in names}
    qualified = {
        f"{other}_{name}" for other, names in tools.items() if other != server for name in names
    }
    return frozenset((plain - own) | qualified)


_BEFORE = re.compile(
    r"\b(?:instead of|rather than|in place of|in preference to|over|replac\w+|supersed\w+"
    r"|overrid\w+|(?:better|newer|safer|faster|more \w+) than|ahead of|wraps?|proxies"
    r"|(?:do not|don't|never|stop|avoid|no longer|without)\s+(?:use|using|call|calling|trust\w*)"
    r"|(?:before|after|when(?:ever)?|each time|every time|if)\b[^.\n]{0,40}"
    r"\b(?:use|using|used|call|calling|called|run|running|invok\w+))\b[^.\n]{0,40}$"
    r"|\b(?:before|after|whenever|each time|every time)\b[^.\n]{0,20}$",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"[`'\")]*(?:\s+tool)?\s+(?:is|are|was|has been|will be|must be|should be|has|became)\b"
    r"[^.\n]{0,40}\b(?:deprecated|broken|obsolete|outdated|unsafe|insecure|retired|replaced"
    r"|unreliable|disabled|gone|removed|superseded|wrong|called|used|run|invoked)\b"
    r"|[`'\")]*(?:\s+tool)?\s+(?:must|should|may) (?:not|never|only) be\b",
    re.IGNORECASE,
)


def _is_a_tool(match: re.Match[str], sentence: str) -> bool:
    """A name of one plain word is a tool only where it is set or called as one."""
    if "_" in match[0] or "-" in match[0]:
        return True
    end = match.end()
    around = sentence[max(match.start() - 1, 0) : match.start()] + sentence[end : end + 6]
    return around[:1] in "`'\"(" or around[1:].lower().startswith((" tool", "` tool"))


def _as_read(text: str) -> str:
    """The words as they are drawn: styled letters as letters, nothing unseen between them."""
    drawn = unicodedata.normalize("NFKC", text)
    return "".join(
        one for one in drawn if one in "\n\t" or unicodedata.category(one) not in {"Cc", "Cf"}
    )


def _shown(text: str) -> str:
    return repr(" ".join(text.split())[:100])


def _disguised(text: str) -> set[str]:
    """Words of two alphabets, of styled letters, or that pass for a Latin word among Latin ones."""
    drawn = [_alphabet(letter) for letter in text]
    latin = drawn.count("LATIN")
    among_latin = latin > len(drawn) - latin - drawn.count("")
    return {
        word
        for word in (_LETTERS.findall(text) if len(text) > 1 else [text])
        if len({"LATIN", "CYRILLIC", "GREEK"} & {_alphabet(letter) for letter in word}) > 1
        or _STYLED.search(word)
        or (word and set(word) <= _TWINS and (among_latin or word == text))
    }


def _alphabet(letter: str) -> str:
    """Empty for what is no letter."""
    return unicodedata.name(letter, "").partition(" ")[0] if letter.isalpha() else ""
