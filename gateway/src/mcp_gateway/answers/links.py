"""Where a server's answer may lead: to what it serves itself, and to hosts that its policy lists.

Links and embedded resources are for clients to open, without this gateway between: a `file:` URI
is read from the person's own disk. What leads elsewhere is taken out. A link that stays gives no
right: reading it is a call, and decided like one. Pure.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from mcp_gateway.call import Raw

REMOVED = "[removed by the gateway: this led to a place that this server may not link to]"
# by method: which part of a result holds blocks or entries, and their key for a URI
LISTS = {
    "resources/read": ("contents", "uri"),
    "resources/list": ("resources", "uri"),
    "resources/templates/list": ("resourceTemplates", "uriTemplate"),
}
MARKS = ('"resource', '"icons"', r"\\u00[2-7]")  # without one of them, no link can be spelt

_encode = msgspec.json.Encoder().encode
_blocks = msgspec.json.Decoder(list[dict[str, Raw]])
_block = msgspec.json.Decoder(dict[str, Raw])

Allowed = Callable[[object], bool]


class UnlinkableError(Exception):
    """Nothing of the answer may stay."""


def allowed_by(server: str, hosts: list[str]) -> Allowed:
    return lambda uri: leads_home(uri, server) or listed(uri, hosts)


def leads_home(uri: object, server: str) -> bool:
    return isinstance(uri, str) and uri.startswith(f"{server}://") and uri.isprintable()


def kept(method: str, result: Mapping[str, Any], allowed: Allowed) -> tuple[Mapping[str, Any], int]:
    """The result without what leads elsewhere, and how much that was.

    Raises:
        UnlinkableError: a resource was read, and none of what came is this server's.
        msgspec.DecodeError: not the protocol.

    """
    if method in LISTS:
        return _entries(result, *LISTS[method], allowed, whole=method == "resources/read")
    part = "messages" if method == "prompts/get" else "content"
    raw = result.get(part)
    if not isinstance(raw, Raw):
        return result, 0
    blocks = _blocks.decode(raw)
    done = list(_messages(blocks, allowed) if part == "messages" else _each(blocks, allowed))
    removed = sum(count for _, count in done)
    return (
        ({**result, part: Raw(_encode([one for one, _ in done]))}, removed)
        if removed
        else (result, 0)
    )


def _entries(
    result: Mapping[str, Any], part: str, key: str, allowed: Allowed, *, whole: bool
) -> tuple[Mapping[str, Any], int]:
    raw = result.get(part)
    if not isinstance(raw, Raw):
        return result, 0
    entries = _blocks.decode(raw)
    stay = [one for one in entries if allowed(_text(one.get(key)))]
    if whole and entries and not stay:
        raise UnlinkableError
    if len(stay) == len(entries) and b"icons" not in bytes(raw):
        return result, 0
    done = [_without_icons(one, allowed) for one in stay]
    removed = len(entries) - len(stay) + sum(count for _, count in done)
    return {**result, part: Raw(_encode([one for one, _ in done]))}, removed


def _messages(
    messages: list[dict[str, Raw]], allowed: Allowed
) -> Iterator[tuple[dict[str, Raw], int]]:
    for message in messages:
        block, removed = _kept(_block.decode(message["content"]), allowed)
        yield ({**message, "content": Raw(_encode(block))} if removed else message), removed


def _each(blocks: list[dict[str, Raw]], allowed: Allowed) -> Iterator[tuple[dict[str, Raw], int]]:
    return (_kept(block, allowed) for block in blocks)


def _kept(block: dict[str, Raw], allowed: Allowed) -> tuple[dict[str, Raw], int]:
    kind = _text(block.get("type"))
    uri: object = None
    if kind == "resource_link":
        uri = _text(block.get("uri"))
    elif kind == "resource":
        uri = _text(_block.decode(block.get("resource", Raw(b"{}"))).get("uri"))
    else:
        return block, 0
    if allowed(uri):
        return _without_icons(block, allowed)
    return {"type": Raw(b'"text"'), "text": Raw(_encode(REMOVED))}, 1


def _without_icons(block: dict[str, Raw], allowed: Allowed) -> tuple[dict[str, Raw], int]:
    """Clients fetch icons unasked."""
    if "icons" not in block:
        return block, 0
    icons = msgspec.json.decode(block["icons"])
    named = [one.get("src") if isinstance(one, dict) else None for one in icons or ()]
    if all(allowed(src) or str(src).startswith("data:image/") for src in named):
        return block, 0
    return {key: one for key, one in block.items() if key != "icons"}, 1


def listed(uri: object, hosts: list[str]) -> bool:
    """Whether it is a page of one of these hosts, and can be read as nothing else."""
    if not hosts or not isinstance(uri, str) or not uri.startswith("https://"):
        return False
    if "\\" in uri or " " in uri or not (uri.isascii() and uri.isprintable()):
        return False  # read as another host by another reader
    try:
        return urlsplit(uri).netloc in hosts
    except ValueError:
        return False


def _text(raw: Raw | None) -> object:
    return None if raw is None else msgspec.json.decode(raw)
