"""Arguments as the record may keep them: secrets out, a commitment to each of them in. Pure.

A value left out becomes `{"redacted": kind, "c": commitment}`. The commitment is keyed with a salt
of the call, so that a guess cannot be tested by whoever reads the ledger; whoever is given the
value *and* its key can be shown that this value was sent. Each place has a key of its own:
showing one value opens no other. The salt belongs in a payload store beside the encrypted
arguments. While there is none, the caller drops it and the commitments stay sealed for good.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from mcp_gateway.audit.canonical import AS_BASE64, BODY_LIMIT_BYTES, canonical
from mcp_gateway.audit.detectors import card_number, secret_name, secret_text

SALT_BYTES: Final = 16
DEPTH_LIMIT: Final = 64  # what is nested deeper is left out as a whole

_PLAIN_TYPES = frozenset({str, int, float, bool, type(None)})
_EVERY = object()
_Path = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Redacted:
    """The arguments without secrets, and the commitment to all of them as they were sent."""

    arguments: Any
    commitment: str
    left_out: int


class PathError(ValueError):
    """Not a path this module understands: `$.a.b`, `$.a[*].b`, `$.*`, `$['a b']`."""


def redact(arguments: Any, paths: Sequence[str] = (), *, salt: bytes) -> Redacted:
    """A copy without what `paths`, field names and detectors give away. Never raises on a value."""
    if len(salt) < SALT_BYTES:
        raise ValueError(f"a salt has at least {SALT_BYTES} bytes")
    text = canonical(arguments)
    committed = hmac.digest(place_key(salt, "$"), text, "sha256").hex()
    if not paths and len(text) > BODY_LIMIT_BYTES:
        # no record holds them: looking through a megabyte would only keep everybody waiting
        return Redacted({"left_out_bytes": len(text)}, committed, 1)
    if not paths and _harmless(text, arguments):
        return Redacted(arguments, committed, 0)
    walk = _Walk(salt)
    kept = walk.value(arguments, [parse_path(path) for path in paths], 0)
    return Redacted(kept, committed, walk.left_out)


def commitment(salt: bytes, place: str, value: Any) -> str:
    """What `redact` writes for `value` at `place` (`$.contact.email`, `$.rows[2]`)."""
    return commitment_with(place_key(salt, place), value)


def place_key(salt: bytes, place: str) -> bytes:
    """The key to show with a value: it opens the commitment at this place and no other."""
    return hmac.digest(salt, place.encode("utf-8", "backslashreplace"), "sha256")


def commitment_with(key: bytes, value: Any) -> str:
    return hmac.digest(key, canonical(value), "sha256").hex()


def _harmless(text: bytes, arguments: Any) -> bool:
    """Whether the walk would leave everything in: one look at the whole instead of one at each
    value. Most calls end here. False says nothing: the walk decides.
    """
    # an escape or a percent sign hides what comes after it, base64 everything
    if b"\\" in text or b"%" in text or text.startswith(AS_BASE64):
        return False
    return _names_harmless(arguments, DEPTH_LIMIT) and secret_text(text.decode()) is None


def _names_harmless(value: Any, depth: int) -> bool:
    """Of values as JSON brings them; any other type is for the walk, and so is what it cuts."""
    kind = type(value)
    if kind is dict:
        for name, below in value.items():
            if type(name) is not str or secret_name(name) or not _names_harmless(below, depth - 1):
                return False
        return depth > 0
    if kind is list:
        return depth > 0 and all(_names_harmless(one, depth - 1) for one in value)
    return kind in _PLAIN_TYPES


class _Walk:
    def __init__(self, salt: bytes) -> None:
        self.left_out = 0
        self._salt = salt
        self._trail: list[str] = ["$"]

    def value(self, value: Any, paths: list[_Path], depth: int) -> Any:
        if () in paths:
            return self._leave_out("policy", value)
        nested = isinstance(value, Mapping | list | tuple)
        if nested and depth >= DEPTH_LIMIT:
            return self._leave_out("depth", value)
        if isinstance(value, Mapping):
            return self._fields(value, paths, depth)
        if nested:
            return self._items(value, paths, depth)
        kind = _kind(value)
        return self._leave_out(kind, value) if kind else value

    def _fields(self, fields: Mapping[Any, Any], paths: list[_Path], depth: int) -> dict[Any, Any]:
        kept = {}
        for key, value in fields.items():
            name = key if isinstance(key, str) else str(key)
            self._trail.append(f".{name}")
            below = [path[1:] for path in paths if path[0] is _EVERY or path[0] == name]
            if secret_name(name) and not _says_nothing(value):
                kept[self._key(key, name)] = self._leave_out("name", value)
            else:
                kept[self._key(key, name)] = self.value(value, below, depth + 1)
            self._trail.pop()
        return kept

    def _items(self, items: Sequence[Any], paths: list[_Path], depth: int) -> list[Any]:
        kept = []
        for index, value in enumerate(items):
            self._trail.append(f"[{index}]")
            below = [path[1:] for path in paths if path[0] is _EVERY]
            kept.append(self.value(value, below, depth + 1))
            self._trail.pop()
        return kept

    def _key(self, key: Any, name: str) -> Any:
        """A secret can stand on the left of the colon, too."""
        kind = secret_text(name)
        if kind is None:
            return key
        self.left_out += 1
        return f"redacted {kind} {commitment(self._salt, ''.join(self._trail[:-1]), name)}"

    def _leave_out(self, kind: str, value: Any) -> dict[str, str]:
        self.left_out += 1
        place = "".join(self._trail)
        return {"redacted": kind, "c": commitment(self._salt, place, value)}


def _kind(value: Any) -> str | None:
    """What kind of secret a single value is, if any."""
    if isinstance(value, str):
        return secret_text(value)
    if isinstance(value, bytes | bytearray):
        return "bytes"
    # cards are sent as numbers, too
    looks_like_card = type(value) is int and 10**12 <= value < 10**19 and card_number(str(value))
    return "card_number" if looks_like_card else None


def _says_nothing(value: Any) -> bool:
    return value is None or isinstance(value, bool) or (isinstance(value, str) and not value)


@lru_cache(maxsize=1024)
def parse_path(path: str) -> _Path:
    """The steps of a policy's path; PathError when it is not one."""
    rest, steps = path, []
    if not rest.startswith("$"):
        raise PathError(f"{path!r}: a path begins with $")
    rest = rest[1:]
    while rest:
        if rest.startswith(("[*]", ".*")):
            steps.append(_EVERY)
            rest = rest[3:] if rest[0] == "[" else rest[2:]
        elif rest.startswith("['") and (end := rest.find("']")) > 2:
            steps.append(rest[2:end])
            rest = rest[end + 2 :]
        elif rest.startswith(".") and (name := _name(rest[1:])):
            steps.append(name)
            rest = rest[1 + len(name) :]
        else:
            raise PathError(
                f"{path!r}: cannot read {rest!r}; write $.a.b, $.a[*].b, $.* or $['a b']"
            )
    return tuple(steps)


def _name(text: str) -> str:
    for index, character in enumerate(text):
        if character in ".[":
            return text[:index]
        if not (character.isalnum() or character in "_-"):
            return ""
    return text
