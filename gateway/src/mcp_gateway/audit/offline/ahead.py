"""Pieces of an export, read on all cores and handed over in order.

Worker processes run one function of this package on bytes: nothing that a file or a setting names.
"""

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor

from mcp_gateway.audit.offline import opening, reading
from mcp_gateway.audit.offline.reading import Piece


def pieces_read(name: str, jobs: int) -> Iterator[tuple[bytes, Piece]]:
    """In order; a few pieces ahead of who takes them."""
    line = 1
    if jobs == 1:
        for data in opening.pieces(name):
            piece = reading.read(data, line)
            line += piece.lines
            yield data, piece
        return
    with ProcessPoolExecutor(jobs) as pool:
        ahead: deque[tuple[bytes, Future[Piece]]] = deque()
        broken: opening.BrokenError | None = None
        try:
            for data in opening.pieces(name):
                ahead.append((data, pool.submit(reading.read, data, line)))
                line += data.count(b"\n")
                if len(ahead) > 2 * jobs:
                    held, done = ahead.popleft()
                    yield held, done.result()
        except opening.BrokenError as error:
            broken = error  # what was whole before it is still looked at
        while ahead:
            held, done = ahead.popleft()
            yield held, done.result()
        if broken is not None:
            raise broken


def cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
