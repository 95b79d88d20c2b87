"""One connection to Valkey for every call: what queued while one trip was under way makes the next.

redis-py connects, signs in and speaks the protocol; a trip of its own for each call would cost
more than everything else that is decided about the call.
"""

import asyncio
import contextlib
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as LostError
from redis.exceptions import RedisError, ResponseError

Command = tuple[str | bytes | int | float, ...]
_Asked = tuple[Command, "asyncio.Future[Any]"]

FAULTS = (RedisError, OSError, TimeoutError)


class Valkey:
    """Close with `aclose`."""

    def __init__(self, redis: Redis, seconds: float) -> None:
        """`seconds` is how long a trip may take."""
        self._pool = redis.connection_pool
        self._seconds = seconds
        self._connection: AbstractConnection | None = None
        self._queue: list[_Asked] = []
        self._trips: asyncio.Task[None] | None = None

    async def run(self, *command: str | bytes | float) -> Any:
        """The answer to one command.

        Raises:
            ResponseError: the store's own word against it.
            RedisError, OSError, TimeoutError: it is away; whether the command ran is unknown.

        """
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._queue.append((command, answer))
        if self._trips is None:
            self._trips = asyncio.create_task(self._travel())
        return await answer

    async def aclose(self) -> None:
        if self._trips is not None:
            self._trips.cancel()
            await asyncio.wait({self._trips})
        await self._drop()

    async def _travel(self) -> None:
        batch: list[_Asked] = []
        try:
            while self._queue:
                batch, self._queue = self._queue, []
                async with asyncio.timeout(self._seconds):
                    await self._trip(batch)
        except FAULTS as error:
            await self._drop()
            # who queued meanwhile has waited for the same silence
            for _, answer in (*batch, *self._queue):
                if not answer.done():
                    answer.set_exception(error)
            self._queue = []
        finally:
            self._trips = None

    async def _trip(self, batch: list[_Asked]) -> None:
        kept = self._connection is not None
        try:
            await self._there_and_back(batch)
        except LostError:
            if not kept:
                raise
            # the store had let go of an idle connection; counting a call twice is harmless
            await self._drop()
            await self._there_and_back([one for one in batch if not one[1].done()])

    async def _there_and_back(self, batch: list[_Asked]) -> None:
        if self._connection is None:
            connection: AbstractConnection = self._pool.make_connection()  # type: ignore[no-untyped-call]
            await connection.connect()  # type: ignore[no-untyped-call]
            self._connection = connection
        connection = self._connection
        packed = connection.pack_commands([command for command, _ in batch])
        await connection.send_packed_command(packed, check_health=False)
        for _, answer in batch:
            try:
                found = await connection.read_response()
            except ResponseError as error:
                if not answer.done():
                    answer.set_exception(error)
            else:
                if not answer.done():
                    answer.set_result(found)

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(*FAULTS):
                await connection.disconnect(nowait=True)
