"""What takes a second reading of the file: where a rewrite began, which call a receipt is of."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from mcp_gateway.audit.offline import heads, opening, reading
from mcp_gateway.audit.offline.receipts import Receipt
from mcp_gateway.audit.offline.report import Report, TooManyError
from mcp_gateway.audit.offline.trust import Trust


def first_unsigned(
    name: str, suspects: dict[str, tuple[str, str]], trust: Trust, report: Report
) -> None:
    """The last signature was wrong: name the first block from which the chain was rewritten."""
    left = dict(suspects)
    segment = day = ""
    for line in _lines(name):
        said = {} if line.startswith(b'{"seq":') else reading.other(line)
        if isinstance(said, str):
            continue
        if "segment" in said:
            segment, day = str(said["segment"]), str(said.get("day"))
        elif "block" in said and segment in left:
            with contextlib.suppress(heads.ShapeError, TooManyError):
                head = heads.read(said)
                text = head.text(day, segment)
                if not trust.signed(head.key, head.signature, text, head.signed):
                    del left[segment]
                    unsigned(report, trust, head.key, day=day, segment=segment, block=head.block)


def _lines(name: str) -> Iterator[bytes]:
    """A second reading, as far as the file goes."""
    with contextlib.suppress(opening.BrokenError):
        for data in opening.pieces(name):
            yield from data.split(b"\n")


def told(name: str, held: Sequence[Receipt]) -> list[str]:
    """Which call each of them is of: a receipt alone names none."""
    wanted = {(one.segment, one.seq): one.name for one in held}
    told, segment = [], ""
    for line in _lines(name) if wanted and name != "-" else ():
        if line.startswith(b'{"seq":'):
            cut = reading.record(line)
            file = None if isinstance(cut, str) else wanted.get((segment, cut[0]))
            if file is not None and not isinstance(cut, str):
                told.append(f"{file}: {call_of(cut[1])}")
        elif isinstance(said := reading.other(line), dict) and "segment" in said:
            segment = str(said["segment"])
    return told


def call_of(body: bytes) -> str:
    """For a person: which call a record is of."""
    said = reading.other(body)
    if not isinstance(said, dict):
        return "a record"
    target = ".".join(str(said[one]) for one in ("server", "tool") if said.get(one))
    who = f" by {said['person']}" if said.get("person") else ""
    return f"{said.get('kind')} of call {said.get('rid')}{who}: {target or said.get('method')}"


def unsigned(report: Report, trust: Trust, key: str, **place: Any) -> None:
    what = (
        "not signed by its gateway; it or what precedes it was rewritten"
        if key in trust.keys
        else f"signed with key {key}, which is not among the trusted keys"
    )
    report.add("BLOCK", what, **place)
