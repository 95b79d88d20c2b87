"""Bytes become a JSON document that every reader would read alike, or a refusal.

Pure: no clock, no network, no state. Finds what fast parsers let pass: a key given twice, NaN,
numbers beyond range, half a surrogate pair, NUL, endless nesting.
"""

import json
import math
from collections.abc import Iterable
from typing import Any, NoReturn

import orjson

from mcp_gateway.refusals import PARSE_ERROR, malformed

MAX_DEPTH = 64


class _StrictError(ValueError):
    pass


def parse(body: bytes) -> Any:
    """The document.

    Raises:
        Refusal: what is wrong with it.

    """
    return found if (found := plain(body)) is not None else strict(body)


def plain(body: bytes) -> Any:
    """A compact document that is written again exactly as it came hides nothing: no key twice, no
    number beyond range, no half character. None for what has to be looked at closely.
    """
    if b"\\u" in body or body.count(b"{") + body.count(b"[") > MAX_DEPTH:
        return None
    try:
        document = orjson.loads(body)
        return document if orjson.dumps(document) == body else None
    except ValueError:
        return None


def strict(body: bytes) -> Any:
    try:
        text = body.decode("utf-8")
        if "\\u" in text or "\x00" in text:
            _refuse_hidden(text)
        document = json.loads(
            text,
            object_pairs_hook=_no_duplicates,
            parse_constant=_no_constant,
            parse_float=_finite,
        )
        _bounded(document)
    except RecursionError:
        raise malformed(f"Nested deeper than {MAX_DEPTH} levels.", rpc=PARSE_ERROR) from None
    except UnicodeDecodeError:
        raise malformed("The body is not UTF-8.", rpc=PARSE_ERROR) from None
    except _StrictError as error:
        raise malformed(str(error), rpc=PARSE_ERROR) from None
    except ValueError:
        raise malformed("The body is not valid JSON.", rpc=PARSE_ERROR) from None
    return document


def _refuse_hidden(text: str) -> None:
    """Escapes that spell NUL or half a character: no system of record stores them faithfully."""
    try:
        for value in _strings(json.loads(text)):
            if "\x00" in value:
                raise _StrictError("A string contains NUL.")
            value.encode("utf-8")
    except UnicodeEncodeError:
        raise _StrictError("A string contains half a surrogate pair.") from None


def _strings(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, child in value.items():
            yield key
            yield from _strings(child)
    elif isinstance(value, list):
        for child in value:
            yield from _strings(child)


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _StrictError("An object has the same key twice.")
    return found


def _no_constant(name: str) -> NoReturn:
    raise _StrictError(f"{name} is not JSON.")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _StrictError("A number is out of range.")
    return value


def _bounded(value: Any, depth: int = 0) -> None:
    if depth > MAX_DEPTH:
        raise _StrictError(f"Nested deeper than {MAX_DEPTH} levels.")
    if isinstance(value, dict):
        for child in value.values():
            if isinstance(child, dict | list):
                _bounded(child, depth + 1)
    elif isinstance(value, list):
        for child in value:
            if isinstance(child, dict | list):
                _bounded(child, depth + 1)
