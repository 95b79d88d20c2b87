"""The exact bytes a record is stored and hashed as. Pure: no clock, no network, no state.

Total on purpose: a caller who finds an argument the encoder refuses would have found a way off the
record. What JSON cannot carry is kept as base64 of the nearest faithful text. Not-a-number and the
infinities become null, as JSON has no word for them.
"""

import hashlib
import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import orjson

BODY_LIMIT_BYTES = 65_536  # the table refuses more, so a larger record must be cut here
FALLBACK_LIMIT_BYTES = 32_768  # base64 adds a third and must still fit
LEFT_OUT_MOST = 16  # fields of one record; one that is still too large is left out whole

AS_BASE64 = b'{"base64":'  # how a value begins that JSON cannot say

_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z


def canonical(value: Any) -> bytes:
    """JSON with sorted keys; base64 of a safe text when JSON cannot say it. Never raises."""
    try:
        return orjson.dumps(value, option=_OPTIONS)
    except Exception:  # noqa: BLE001  total by contract, whatever a caller puts into its arguments
        return orjson.dumps(_as_base64(value), option=_OPTIONS)


def plain_bytes(record: Mapping[str, Any]) -> bytes | None:
    """The body of a record whose every value JSON spells as it is; None where it needs care."""
    try:
        # no richer types: an instant's or a number's own spelling would be another text than it is
        body = orjson.dumps(record, option=_OPTIONS | orjson.OPT_PASSTHROUGH_DATETIME)
    except Exception:  # noqa: BLE001  `record_bytes` is the handler
        return None
    return body if len(body) <= BODY_LIMIT_BYTES else None


def record_bytes(record: Mapping[str, Any]) -> bytes:
    """The body of a record, at most `BODY_LIMIT_BYTES`.

    One bad field does not take the others with it: each is encoded alone when the whole fails.
    """
    try:
        body = orjson.dumps(record, option=_OPTIONS)
        if len(body) <= BODY_LIMIT_BYTES:
            return body
    except Exception:  # noqa: BLE001, S110  the field by field form below is the handler
        pass
    return _joined({_key(key): canonical(value) for key, value in record.items()})


def _joined(fields: dict[str, bytes]) -> bytes:
    """Fields already encoded, the largest left out by their hash until the record fits."""
    # a fragment is copied as it is: nesting that was fine for the field stays fine in the record
    whole = {key: orjson.Fragment(value) for key, value in fields.items()}
    body = orjson.dumps(whole, option=_OPTIONS)
    for key in sorted(fields, key=lambda name: len(fields[name]), reverse=True)[:LEFT_OUT_MOST]:
        if len(body) <= BODY_LIMIT_BYTES:
            break
        whole[key] = orjson.Fragment(orjson.dumps(_left_out(fields[key]), option=_OPTIONS))
        body = orjson.dumps(whole, option=_OPTIONS)
    if len(body) <= BODY_LIMIT_BYTES:
        return body
    return orjson.dumps(_left_out(body), option=_OPTIONS)


def _left_out(data: bytes) -> dict[str, Any]:
    return {"left_out_bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _key(key: object) -> str:
    return str(key).encode("utf-8", "backslashreplace").decode()


def _as_base64(value: Any) -> dict[str, str]:
    text = _text(value).encode("utf-8", "backslashreplace")
    if len(text) <= FALLBACK_LIMIT_BYTES:
        return {"base64": b64encode(text).decode()}
    digest = hashlib.sha256(text).hexdigest()
    return {"base64": b64encode(text[:FALLBACK_LIMIT_BYTES]).decode(), "sha256": digest}


def _text(value: Any) -> str:
    """The nearest faithful text: the standard library's JSON, else repr, else the type's name."""
    for spell in (_standard_json, repr):
        try:
            return spell(value)
        except Exception:  # noqa: BLE001, S112  each spelling has inputs it cannot do; the last has none
            continue
    return f"<{type(value).__name__}>"


def _standard_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=repr)
