"""A piece of an export, read and hashed: what worker processes do. Pure: bytes in, facts out.

A record's bytes are cut out of its line as they stand, never written anew: they were signed.
"""

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b, sha256
from typing import Any
from uuid import UUID

Named = dict[str, tuple[str, str]]  # call → key and hash of its ciphertext
KINDS = ("intent", "outcome", "refusal")  # of which a call has at most one each
CALL_ID_LIMIT = 200
SHARES = 100
_BODY, _ENCODED = b',"body":', b',"body64":"'

Loads = Callable[[bytes], Any]


@dataclass(slots=True)
class Run:
    """Records that follow each other without a gap."""

    first: int
    count: int = 0
    leaves: list[bytes] = field(default_factory=list)  # none, where `root` is known and enough
    root: bytes | None = None  # of exactly these records
    replicas: set[Any] = field(default_factory=set)
    latest: float = 0.0  # seconds since 1970
    previous: dict[str, Any] | None = None  # as the first record of a segment names it
    unreadable: list[int] = field(default_factory=list)
    payloads: Named = field(default_factory=dict)  # encrypted arguments that its records name

    @property
    def end(self) -> int:
        return self.first + self.count


@dataclass(slots=True)
class Call:
    """An intent or outcome whose other half is not in the same piece."""

    kind: str
    rid: str
    seq: int
    ts: float
    person: str
    target: str
    part: int  # how many segment lines of this piece precede it


@dataclass(slots=True)
class Piece:
    """`parts` in the order of the lines: another line's object, or a run; a text is a fault."""

    lines: int
    digest: bytes = b""
    parts: list[tuple[int, Any]] = field(default_factory=list)
    marks: dict[int, bytearray] = field(default_factory=dict)  # kind and call, by `share`
    calls: list[Call] = field(default_factory=list)


def read(data: bytes, first_line: int) -> Piece:
    """What is in these lines, the first of which has this number."""
    lines = data.split(b"\n")
    lines.pop()
    piece = Piece(len(lines))
    loads = _loads()
    open_: dict[str, Call] = {}
    run: Run | None = None
    segments = 0
    for number, line in enumerate(lines, first_line):
        if not line.startswith(b'{"seq":'):
            if run is not None:
                run.root = root(run.leaves)  # it ends in this piece
                if len(piece.parts) > 1:  # nor does it go on from the piece before
                    run.leaves = []
                run = None
            fact = other(line)
            segments += isinstance(fact, dict) and "segment" in fact
            piece.parts.append((number, fact))
            continue
        cut = record(line)
        if isinstance(cut, str):
            piece.parts.append((number, cut))
            run = None
            continue
        seq, body = cut
        if run is None or run.end != seq:
            run = Run(seq)
            piece.parts.append((number, run))
        run.leaves.append(sha256(b"\x00" + body).digest())
        run.count += 1
        _facts(loads, body, seq, run, piece, open_, segments)
    piece.calls += open_.values()
    return piece


def root(leaves: list[bytes]) -> bytes:
    """RFC 6962."""
    level = leaves
    while len(level) > 1:
        above = [
            sha256(b"\x01" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)
        ]
        if len(level) % 2:
            above.append(level[-1])
        level = above
    return level[0]


def record(line: bytes) -> tuple[int, bytes] | str:
    head, found, body = line.partition(_BODY)
    if not found:
        head, found, body = line.partition(_ENCODED)
    number = head[7:]
    if not found or not number.isdigit() or len(number) > 18 or not body.endswith(b"}"):
        return "not a record's line"
    if found == _BODY:
        return int(number), body[:-1]
    try:
        return int(number), base64.b64decode(body.removesuffix(b'"}'), validate=True)
    except binascii.Error:
        return "a record's body is not base64"


def other(line: bytes) -> dict[str, Any] | str:
    try:
        said = json.loads(line.decode())  # of bytes it would guess another encoding
    except (ValueError, RecursionError):
        return "not JSON"
    if not isinstance(said, dict):
        return "not an object"
    return _payload(said) if "payload" in said else said


def _payload(said: dict[str, Any]) -> dict[str, Any] | str:
    """The hash in place of the ciphertext: no more of it is needed."""
    try:
        sealed = [base64.b64decode(said[name], validate=True) for name in ("nonce", "ct")]
        key = str(said["key"])
    except (KeyError, TypeError, ValueError):
        return "encrypted arguments that cannot be read"
    return {"payload": said["payload"], "key": key, "sha256": sha256(b"".join(sealed)).hexdigest()}


def _facts(
    loads: Loads, body: bytes, seq: int, run: Run, piece: Piece, open_: dict[str, Call], part: int
) -> None:
    try:
        said = loads(body)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        run.unreadable.append(seq)
        return
    replica = said.get("replica")
    run.replicas.add(replica if isinstance(replica, str) else None)
    moment = _seconds(said.get("ts"))
    run.latest = max(run.latest, moment)
    if seq == 1 and isinstance(said.get("previous"), dict):
        run.previous = said["previous"]
    kind, rid = said.get("kind"), said.get("rid")
    if kind not in KINDS or not isinstance(rid, str):
        return
    kept = said.get("payload")
    if isinstance(kept, dict) and "key" in kept:
        run.payloads[rid] = (str(kept["key"]), str(kept.get("sha256")))
    rid = rid[:CALL_ID_LIMIT]  # as the online verifier compares them
    entry = mark(KINDS.index(kind), rid)
    piece.marks.setdefault(share(entry), bytearray()).extend(entry)
    if kind == "refusal":
        return
    if rid in open_ and open_[rid].kind != kind:
        del open_[rid]
    else:
        words = (said.get("server"), said.get("tool") or said.get("method"))
        target = ".".join(word for word in words if isinstance(word, str))
        open_[rid] = Call(kind, rid, seq, moment, str(said.get("person") or "-"), target, part)


def mark(kind: int, rid: str) -> bytes:
    """Seventeen bytes for one record of one call: short ids as they are, others by a hash."""
    if len(rid) == 36 and rid[8] == rid[13] == rid[18] == rid[23] == "-":
        digits = rid.replace("-", "")
        try:
            short = bytes.fromhex(digits)
        except ValueError:
            short = b""
        if len(short) == 16 and short.hex() == digits:
            return bytes((kind,)) + short
    raw = rid.encode("utf-8", "surrogatepass")
    if len(raw) <= 15:
        return bytes((kind | 16,)) + raw.ljust(16, b"\0")
    return bytes((kind | 32,)) + blake2b(raw, digest_size=16).digest()


def share(entry: bytes) -> int:
    """In which of the parts a mark is looked for; the first bytes of an id are its time."""
    return (entry[16] ^ entry[1] ^ entry[8]) % SHARES


def unmark(entry: bytes) -> tuple[str, str]:
    """The kind and the call of a mark."""
    form, kind = entry[0] & 48, KINDS[entry[0] & 15]
    if form == 16:
        return kind, entry[1:].rstrip(b"\0").decode("utf-8", "replace")
    return kind, f"whose id's hash is {entry[1:].hex()}" if form else str(UUID(bytes=entry[1:]))


def _seconds(value: object) -> float:
    if not isinstance(value, str):
        return 0.0
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return 0.0
    return moment.timestamp() if moment.tzinfo and 2000 <= moment.year <= 2200 else 0.0


def _loads() -> Loads:
    try:
        import orjson
    except ImportError:
        return json.loads
    loads: Loads = orjson.loads
    return loads
