"""Words of the protocol that several rooms speak: versions, keys of `_meta`, header values.

Pure: no clock, no network, no state.
"""

import base64
import binascii

from mcp_gateway.refusals import INVALID_PARAMS, malformed

MODERN = "2026-07-28"
LEGACY = ("2025-11-25", "2025-06-18", "2025-03-26")
SUPPORTED = [MODERN, *LEGACY]

META_VERSION = "io.modelcontextprotocol/protocolVersion"
META_CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
LOG_LEVEL = "io.modelcontextprotocol/logLevel"
LOG_LEVELS = frozenset(
    {"debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"}
)


def level_of(value: object) -> str:
    """A level of severity, as log messages have them."""
    if not isinstance(value, str) or value not in LOG_LEVELS:
        raise malformed(f"Expected one of {', '.join(sorted(LOG_LEVELS))}.", rpc=INVALID_PARAMS)
    return value


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
