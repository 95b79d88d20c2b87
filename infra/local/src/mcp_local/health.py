"""Whether a part of the stack answers, asked the way its callers ask it."""

import asyncio
import contextlib
from enum import Enum
from urllib.parse import unquote, urlsplit

import asyncpg

PROBE_SECONDS = 2.0


class Health(Enum):
    """`UNWELL` answered, but not well; only `SILENT` is a reason to restart."""

    WELL = "well"
    UNWELL = "unwell"
    SILENT = "silent"


async def http(port: int, path: str) -> Health:
    """One GET on a loopback port. By hand: a client library would be half the start-up time."""
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            status = await _status(port, path)
    except (OSError, TimeoutError, ValueError, IndexError):
        return Health.SILENT
    return Health.WELL if status == 200 else Health.UNWELL


async def _status(port: int, path: str) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
        writer.write(request.encode())
        await writer.drain()
        return int((await reader.readline()).split()[1])
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def postgres(url: str) -> Health:
    """A login. A server that refuses one (starting up, recovering, full) is unwell, not silent."""
    try:
        connection = await asyncpg.connect(url, timeout=PROBE_SECONDS)
    except asyncpg.PostgresError:
        return Health.UNWELL
    except (OSError, TimeoutError, asyncpg.InterfaceError):
        return Health.SILENT
    with contextlib.suppress(OSError, TimeoutError, asyncpg.PostgresError):
        await connection.close(timeout=PROBE_SECONDS)
    return Health.WELL


async def valkey(url: str) -> Health:
    """AUTH and PING, by hand for the same reason; a server with TLS is asked by library."""
    parts = urlsplit(url)
    if parts.scheme != "redis":
        return await _foreign_valkey(url)
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            reader, writer = await asyncio.open_connection(
                parts.hostname or "127.0.0.1", parts.port or 6379
            )
            try:
                login = [part for part in (parts.username, parts.password) if part]
                if login:
                    writer.write(_resp("AUTH", *(unquote(part) for part in login)))
                writer.write(_resp("PING"))
                answers = [await reader.readline() for _ in range(2 if login else 1)]
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError):
        return Health.SILENT
    return Health.WELL if answers[-1] == b"+PONG\r\n" else Health.UNWELL


def _resp(*words: str) -> bytes:
    encoded = [word.encode() for word in words]
    return b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in encoded)


async def _foreign_valkey(url: str) -> Health:
    import redis.asyncio
    import redis.exceptions

    client = redis.asyncio.Redis.from_url(
        url, socket_timeout=PROBE_SECONDS, socket_connect_timeout=PROBE_SECONDS
    )
    try:
        await client.ping()
    except (redis.exceptions.RedisError, OSError):
        return Health.SILENT
    finally:
        await client.aclose()
    return Health.WELL
