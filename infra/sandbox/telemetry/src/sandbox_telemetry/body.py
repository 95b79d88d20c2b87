"""A request's body as one protobuf message: capped as it arrives and again as it unpacks."""

import asyncio
import zlib
from collections.abc import Callable
from typing import TypeVar

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from starlette.exceptions import HTTPException
from starlette.requests import Request

from sandbox_telemetry.limits import Limits

PROTOBUF = "application/x-protobuf"
GZIP = 31  # zlib's window bits for a gzip header and trailer

M = TypeVar("M")


async def message(request: Request, read: Callable[[bytes], M], limits: Limits) -> M:
    """The message a client sent.

    Raises:
        HTTPException: 4xx with the reason in words.

    """
    if request.headers.get("content-type", "").partition(";")[0].strip() != PROTOBUF:
        raise HTTPException(415, f"Send {PROTOBUF}; JSON is not read here.")
    encoding = request.headers.get("content-encoding", "identity")
    if encoding not in ("identity", "gzip"):
        raise HTTPException(415, "Send the body plain or as gzip.")
    body = await _whole(request, limits)
    try:
        return read(unzipped(body, limits.unpacked_bytes) if encoding == "gzip" else body)
    except DecodeError:
        raise HTTPException(
            400, "The body is not the protobuf message that this address takes."
        ) from None


async def _whole(request: Request, limits: Limits) -> bytes:
    too_large = HTTPException(413, f"At most {limits.body_bytes} bytes are taken at once.")
    announced = request.headers.get("content-length", "0")
    if not announced.isdecimal() or int(announced) > limits.body_bytes:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(limits.body_seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limits.body_bytes:
                    raise too_large
    except TimeoutError:
        raise HTTPException(408, "The body did not arrive in time.") from None
    return bytes(body)


def unzipped(body: bytes, most: int) -> bytes:
    """One gzip member; a bomb is refused after `most` bytes, whatever it would come to."""
    unpacking = zlib.decompressobj(GZIP)
    try:
        found = unpacking.decompress(body, most + 1)
    except zlib.error:
        raise HTTPException(400, "The body is no gzip.") from None
    if len(found) > most:
        raise HTTPException(413, f"At most {most} bytes are taken after unpacking.")
    if not unpacking.eof or unpacking.unused_data:
        raise HTTPException(400, "The gzip body is cut off, or has something behind it.")
    return found
