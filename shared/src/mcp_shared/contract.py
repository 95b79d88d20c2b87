"""The tool contract: a description's parts, a definition's hash, and what a definition must have.

Pure: no clock, no network, no state.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

PARTS = ("Use when", "Not for", "Returns", "Fails")
MIN_WORDS, MAX_WORDS = 60, 160
MAX_PURPOSE_CHARACTERS = 100
MAX_TOOLS = 5  # a server that needs more is two servers
HINTS = ("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint")

_PART = re.compile(rf"^({'|'.join(PARTS)}):", re.MULTILINE)
_SHOUTING = re.compile(r"\b(?:[A-Z]{4,}|you must)\b")
_KNOWN_CAPITALS = """
ASCII CORS CRUD DELETE FALSE FROM GLOB HEAD HTML HTTP HTTPS IMAP INSERT ISBN JOIN JSON JSONL LDAP
LIKE NULL OIDC PATCH POST REST SAML SELECT SMTP SOQL TPCH TRUE UPDATE UUID WHERE WITH YAML YYYY
"""
_ACRONYMS = frozenset(_KNOWN_CAPITALS.split())
_VISIBLE_CONTROLS = frozenset("\n\t\r")
# drawn as nothing although their category is that of a letter or a mark
_BLANK = re.compile(
    "[\u034f\u2800\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


@dataclass(frozen=True, slots=True)
class Description:
    purpose: str
    parts: Mapping[str, str]

    @property
    def words(self) -> int:
        return len(self.purpose.split()) + sum(len(text.split()) for text in self.parts.values())


def parse(text: str) -> Description:
    """Split a description into its purpose and its named parts."""
    pieces = _PART.split(text.strip())
    parts = {name: body.strip() for name, body in zip(pieces[1::2], pieces[2::2], strict=True)}
    return Description(purpose=" ".join(pieces[0].split()), parts=parts)


def hidden(text: str) -> list[str]:
    """Characters a reviewer does not see, as code points: controls, zero width, tags."""
    return [
        f"U+{ord(one):04X}"
        for place, one in enumerate(text)
        if (
            (unicodedata.category(one) in {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"} or _BLANK.match(one))
            and one not in _VISIBLE_CONTROLS
            and not _draws_an_emoji(text, place)
        )
    ]


def _draws_an_emoji(text: str, place: int) -> bool:
    """A joiner or a variation selector behind a pictograph or a keycap, where it is at home."""
    before, after = text[max(place - 1, 0) : place], text[place + 1 : place + 2]
    if text[place] == "\u200d":
        return before == "\ufe0f" or (before != "" and unicodedata.category(before) in {"So", "Sk"})
    if text[place] == "\ufe0f":
        return after == "\u20e3" or (before > "\x7f" and not _BLANK.match(before))
    return False


def shouted(text: str) -> list[str]:
    """Words in capitals that are no acronym, and "you must"."""
    return sorted({word for word in _SHOUTING.findall(text) if word not in _ACRONYMS})


def first_sentence(text: str) -> str:
    return re.split(r"(?<=[.!?])\s", text.strip(), maxsplit=1)[0]


def definition_hash(definition: Mapping[str, Any]) -> str:
    """SHA-256 over everything of a tool or prompt that a model or a client acts on."""
    seen = {k: v for k, v in definition.items() if k != "hash" and v is not None}
    return hashlib.sha256(orjson.dumps(seen, option=orjson.OPT_SORT_KEYS)).hexdigest()


def unbounded(schema: Any, path: str = "$") -> Iterator[str]:
    """Every string without a longest length, number without both ends, list without a size."""
    if not isinstance(schema, Mapping):  # true and false are schemas too
        return
    kind = schema.get("type")
    kinds = {kind} if isinstance(kind, str) else set(kind or ())
    if "enum" not in schema and "const" not in schema:
        if "string" in kinds and "maxLength" not in schema:
            yield f"{path}: a string without maxLength"
        if kinds & {"integer", "number"} and not {"minimum", "maximum"} <= schema.keys():
            yield f"{path}: a number without both ends"
        if "array" in kinds and "maxItems" not in schema:
            yield f"{path}: a list without maxItems"
    if "object" in kinds and schema.get("additionalProperties", True) is not False:
        yield f"{path}: an object that takes unknown keys"
    for where, child in _children(schema, path):
        yield from unbounded(child, where)


def _children(schema: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    for key in ("anyOf", "oneOf", "allOf"):
        yield from ((path, option) for option in schema.get(key) or ())
    for name, child in (schema.get("$defs") or {}).items():
        yield f"{path}({name})", child
    for name, child in (schema.get("properties") or {}).items():
        yield f"{path}.{name}", child
    yield f"{path}[]", schema.get("items")


def violations(tool: Mapping[str, Any], siblings: Iterable[str]) -> list[str]:
    """What a tool definition (wire form) lacks; empty when it keeps the contract."""
    name, text = str(tool["name"]), str(tool.get("description", ""))
    description = parse(text)
    others = set(siblings) - {name}
    found = [f"description has no '{part}:'" for part in PARTS if part not in description.parts]
    if not MIN_WORDS <= description.words <= MAX_WORDS:
        found.append(f"description has {description.words} words, not {MIN_WORDS} to {MAX_WORDS}")
    first = first_sentence(description.purpose)
    if len(first) > MAX_PURPOSE_CHARACTERS:
        found.append(f"first sentence has {len(first)} characters, not {MAX_PURPOSE_CHARACTERS}")
    if others and not any(other in description.parts.get("Not for", "") for other in others):
        found.append("'Not for:' names no other tool of this server")
    found += [f"shouts {word!r}" for word in shouted(text)]
    if hidden(text):
        found.append("has invisible characters")
    if not tool.get("title"):
        found.append("has no title")
    annotations = tool.get("annotations") or {}
    found += [f"has no {hint}" for hint in HINTS if annotations.get(hint) is None]
    schema = tool["inputSchema"]
    found += [f"input {problem}" for problem in unbounded(schema)]
    found += [
        f"argument {argument} has no description"
        for argument, child in schema.get("properties", {}).items()
        if not child.get("description")
    ]
    if not tool.get("outputSchema"):
        found.append("has no output schema")
    if annotations.get("readOnlyHint") is False and "idempotency_key" not in schema["properties"]:
        found.append("writes, but takes no idempotency_key")
    return found
