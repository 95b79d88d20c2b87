"""Secrets out of a JSON document, and every other byte as it came. Pure.

A document is not parsed and written anew: numbers, key order and spelling of what holds no secret
stay the server's. What is looked at are its strings, keys among them, as they read.
"""

import json
import re
from bisect import bisect_left
from collections.abc import Sequence

from mcp_gateway.answers.leaks import SIEVE, Leak, find, marker, replaced, value_of

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|-?[0-9][0-9.eE+-]*+', re.DOTALL)


def suspicious(document: bytes) -> bool:
    """Whether it may hold a secret; most hold none, and one pass says so."""
    return SIEVE.search(document) is not None


def cleaned(document: bytes) -> tuple[bytes, list[Leak]]:
    """The document without secrets, and what they were."""
    suspects = [match.start() for match in SIEVE.finditer(document)]
    if not suspects:
        return document, []
    parts: list[bytes] = []
    leaks: list[Leak] = []
    at, name = 0, b""
    for token in _TOKEN.finditer(document):
        start, end = token.span()
        here = bisect_left(suspects, start)
        suspected = here < len(suspects) and suspects[here] < end
        if not suspected and not name:
            continue
        if (text := _read(token[0])) is None:
            continue
        found = find(text) if suspected else []
        if not found and name and (beside := value_of(name, text)):
            found = [beside]
        name = text if suspected and document[end : end + 8].lstrip()[:1] == b":" else b""
        if found:
            parts += [document[at:start], _written(replaced(text, found))]
            at = end
            leaks += found
    return b"".join([*parts, document[at:]]), leaks


def joined(texts: Sequence[str]) -> tuple[list[str], list[Leak]]:
    """Texts that follow each other, without the secrets that begin in one and end in another."""
    pieces = [text.encode("utf-8", "surrogatepass") for text in texts]
    leaks = [one for one in find(b"".join(pieces)) if _crosses(one, pieces)]
    starts = [sum(map(len, pieces[:at])) for at in range(len(pieces))]
    for leak in reversed(leaks):
        first = True
        for at, start in enumerate(starts):
            size = len(pieces[at])
            low, high = max(leak.start - start, 0), min(leak.end - start, size)
            if low < high:
                instead = marker(leak.secrets[0][0]) if first else b""
                pieces[at], first = pieces[at][:low] + instead + pieces[at][high:], False
    return [piece.decode("utf-8", "surrogatepass") for piece in pieces], leaks


def _crosses(leak: Leak, pieces: Sequence[bytes]) -> bool:
    end = 0
    for piece in pieces:
        end += len(piece)
        if leak.start < end:
            return leak.end > end
    return False


def _read(token: bytes) -> bytes | None:
    """A string as it reads; a number as it is written; None for what is no JSON."""
    if token[:1] != b'"':
        return token
    try:
        text: str = json.loads(token, strict=False)
    except ValueError:
        return None
    return text.encode("utf-8", "surrogatepass")


def _written(text: bytes) -> bytes:
    return json.dumps(text.decode("utf-8", "surrogatepass")).encode()
