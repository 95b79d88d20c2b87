"""Parameters of a request: from its query, or from a form of bounded size."""

from urllib.parse import parse_qsl

from starlette.requests import Request

from sandbox_idp.faults import fault
from sandbox_idp.flows import Asked

BODY_BYTES = 64 * 1024
PARAMETERS = 50


async def posted(request: Request, url: str) -> Asked:
    """The form of a POST, each parameter once."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise fault("invalid_request", "Send application/x-www-form-urlencoded", status=415)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES:
            raise fault("invalid_request", "The request is too large", status=413)
    return _asked("POST", url, bytes(body))


def queried(request: Request, url: str) -> Asked:
    return _asked("GET", url, request.scope["query_string"])


def _asked(method: str, url: str, raw: bytes) -> Asked:
    try:
        text = raw.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=PARAMETERS, errors="strict")
    except ValueError as wrong:
        raise fault("invalid_request", "The parameters cannot be read") from wrong
    asked = Asked(method, url, pairs)
    if repeated := asked.payload.repeated:
        raise fault("invalid_request", f"Duplicated parameter: {repeated}")
    return asked
