"""What a server's answer may carry to a client, by its policy: no secrets, no links that lead
elsewhere, nothing that poses as ours; and its content marked as somebody else's words.

Inspected before the outcome is recorded: the record's hash is of what was passed on, and beside it
stands how much was held back.
"""

import asyncio
import hmac
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from mcp_gateway.answers import documents, links
from mcp_gateway.answers.leaks import LAX, Leak, compiled
from mcp_gateway.answers.shapes import ESCAPES
from mcp_gateway.audit.redaction import commitment
from mcp_gateway.call import Answer, Call, Grant, Raw
from mcp_gateway.rights.policy_file import Answers
from mcp_gateway.upstream.interpret import failed
from mcp_shared.meta import ORIGIN, RECEIPT, REFUSED

LARGE = 262_144  # bytes; what is larger is looked through beside the loop, which goes on meanwhile
TOLD = 20  # secrets whose commitments go on the record; of more, their number
# texts that follow each other, as their blocks are written
TEXTS = (
    r'\},\s{0,2}\{"type":\s{0,2}"text"', r'"type":\s{0,2}"text"\s{0,2}\},\s{0,2}\{',
)  # fmt: skip
NO_PROTOCOL = (msgspec.DecodeError, KeyError, AttributeError, TypeError)
OURS = (REFUSED, RECEIPT, ORIGIN)
# a server's own state: it comes back to the server, and nobody else reads it
OPAQUE = frozenset({"requestState", "nextCursor"})

# an answer without any of these is passed on unread, and most are
_READ = compiled(*LAX, *ESCAPES, *links.MARKS, *TEXTS)
_encode = msgspec.json.Encoder().encode
_slices = msgspec.json.Decoder(dict[str, Raw])
_blocks = msgspec.json.Decoder(list[dict[str, Raw]])


class Inspection:
    def __init__(self, key: bytes) -> None:
        self._key = key

    async def __call__(self, grant: Grant, answer: Answer, document: bytes) -> Answer:
        """The answer as it may be passed on; `document` is all that the server said."""
        terms = grant.rule.answers
        told: dict[str, Any] = {}
        if _READ.search(document) is None and grant.call.method not in links.LISTS:
            return _marked(answer, grant.server, terms, None)
        if terms.secrets != "off":
            large = len(document) > LARGE
            found = await asyncio.to_thread(_leaks, answer) if large else _leaks(answer)
            answer, leaks = found
            if leaks:
                told = self._told(grant.call, terms, leaks)
            if leaks and terms.secrets == "block":
                return replace(_withheld(grant.call, leaks), size=answer.size, inspected=told)
        if answer.result is not None:
            try:
                answer, removed = _without_links(grant, answer, answer.result)
            except (links.UnlinkableError, *NO_PROTOCOL):
                removed, answer = 1, failed(grant.call, "server_failed", _ELSEWHERE)
            if removed:
                told["links"] = removed
        return _marked(answer, grant.server, terms, told or None)

    def note(self, terms: Answers, note: bytes) -> bytes | None:
        """A notification on its way out, without secrets; None where it is to be dropped."""
        if terms.secrets == "off" or not documents.suspicious(note):
            return note
        clean, leaks = documents.cleaned(note)
        return None if leaks and terms.secrets == "block" else clean

    def _told(self, call: Call, terms: Answers, leaks: Sequence[Leak]) -> dict[str, Any]:
        secrets = [one for leak in leaks for one in leak.secrets]
        found = [{"kind": kind, "c": self.committed(call.id, one)} for kind, one in secrets[:TOLD]]
        return {"secrets": terms.secrets, "count": len(secrets), "found": found}

    def committed(self, call: str, secret: bytes) -> str:
        """What the record says of a secret: testable by whoever has the key, and nobody else."""
        salt = hmac.digest(self._key, b"answer " + call.encode(), "sha256")
        return commitment(salt, "$", secret.decode("utf-8", "backslashreplace"))


def _leaks(answer: Answer) -> tuple[Answer, list[Leak]]:
    """The answer without secrets, and these."""
    leaks: list[Leak] = []
    if answer.result is not None:
        cleaned: dict[str, Any] = dict(answer.result)
        for key, value in answer.result.items():
            if isinstance(value, Raw) and key not in OPAQUE:
                clean, found = documents.cleaned(bytes(value))
                leaks += found
                if found:
                    cleaned[key] = Raw(clean)
        answer = replace(answer, result=cleaned) if leaks else answer
    elif answer.error is not None:
        clean, leaks = documents.cleaned(_encode(answer.error))
        answer = replace(answer, error=msgspec.json.decode(clean)) if leaks else answer
    answer, across = _across_blocks(answer)
    return answer, leaks + across


def _across_blocks(answer: Answer) -> tuple[Answer, list[Leak]]:
    """A secret may begin in one text and end in the next one."""
    raw = (answer.result or {}).get("content")
    if not isinstance(raw, Raw):
        return answer, []
    try:
        blocks = _blocks.decode(raw)
        at = [
            index
            for index, block in enumerate(blocks)
            if bytes(block.get("type", b"")) == b'"text"'
        ]
        texts = [msgspec.json.decode(blocks[index]["text"], type=str) for index in at]
    except (msgspec.MsgspecError, KeyError):
        return answer, []
    texts, leaks = documents.joined(texts)
    if not leaks:
        return answer, []
    for index, text in zip(at, texts, strict=True):
        blocks[index]["text"] = Raw(_encode(text))
    return replace(answer, result={**(answer.result or {}), "content": Raw(_encode(blocks))}), leaks


def _without_links(grant: Grant, answer: Answer, result: Mapping[str, Any]) -> tuple[Answer, int]:
    allowed = links.allowed_by(grant.server, grant.rule.answers.links)
    kept, removed = links.kept(grant.call.method, result, allowed)
    return (replace(answer, result=kept) if removed else answer), removed


def _marked(answer: Answer, server: str, terms: Answers, told: Mapping[str, Any] | None) -> Answer:
    """Nothing under our own names but what we say ourselves."""
    if answer.result is not None:
        meta = _meta(answer.result.get("_meta"))
        if terms.untrusted:
            meta[ORIGIN] = {"server": server, "trusted": False}
        return replace(answer, result={**answer.result, "_meta": meta}, inspected=told)
    error = answer.error or {}
    data = error.get("data")
    if isinstance(data, Mapping | None):
        kept = {key: one for key, one in (data or {}).items() if key not in OURS}
        if terms.untrusted:
            kept[ORIGIN] = {"server": server, "trusted": False}
        error = {**error, "data": kept} if kept or data else error
    return replace(answer, error=error, inspected=told)


def _meta(value: object) -> dict[str, Any]:
    if not isinstance(value, Raw):
        return dict(value) if isinstance(value, Mapping) else {}
    try:
        meta: dict[str, Any] = _slices.decode(value)
    except msgspec.DecodeError:
        return {}
    for name in OURS:
        meta.pop(name, None)
    return meta


def _withheld(call: Call, leaks: Sequence[Leak]) -> Answer:
    kinds = ", ".join(sorted({kind for leak in leaks for kind, _ in leak.secrets}))
    return failed(call, "answer_withheld", _WITHHELD.format(kinds))


_WITHHELD = (
    "Withheld: the server's answer holds what looks like a secret ({}), so it is not passed on. "
    "The call itself was made. Tell the person, and do not try to get it in another form."
)
_ELSEWHERE = "The server answered with a resource that is not its own, so it is not passed on."
