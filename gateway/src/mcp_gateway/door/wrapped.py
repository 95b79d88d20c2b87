"""Header values that are wrapped as `=?base64?…?=`, because a header cannot say them plainly.

Pure: no clock, no network, no state.
"""

import base64
import binascii


def decode_header(value: str) -> str | None:
    """The value of a header that may be wrapped as `=?base64?…?=`; None when badly wrapped."""
    if not (value.startswith("=?base64?") and value.endswith("?=") and len(value) >= 11):
        return value
    try:
        decoded = base64.b64decode(value[9:-2].encode("ascii"), validate=True)
        canonical = base64.b64encode(decoded).decode() == value[9:-2]
        return decoded.decode("utf-8") if canonical else None
    except (binascii.Error, UnicodeError, ValueError):
        return None


def encode_header(value: str) -> str:
    """The inverse: plain where the value is safe in a header, else wrapped."""
    plain = value.isascii() and value.isprintable() and value == value.strip()
    if plain and not value.startswith("=?base64?"):
        return value
    return f"=?base64?{base64.b64encode(value.encode()).decode()}?="
