"""The tasks in PostgreSQL: every change of state is one statement on one row, by the database's
clock, and only from a state it may follow.

Who works on a task holds a lease on it. A lease that ran out is a process that was lost; whoever
finds that takes the task over, or ends it. What is over is never opened again.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg

from mcp_shared.postgres import CONNECT_SECONDS
from mcp_shared.tasks.wire import Task

LEASE_SECONDS = 10.0
AGAIN_SECONDS = 5.0  # times the attempts made: the pause before one more
FORGET_SECONDS = 7 * 86_400.0  # so long an expired task is still known to have been one
STATEMENT_SECONDS = 5.0  # for a method here, the wait for a connection included

_UNFINISHED = "status IN ('working', 'input_required')"
_OVER = (
    "holder = NULL, leased_until = NULL, call = NULL, requests = NULL, answers = NULL,"
    " updated_at = now()"
)
_SHOWN = (
    "id, status, message, created_at, updated_at, expires_at, poll_ms, ending, requests, answers"
)


class TooManyError(Exception):
    """One more than a person may have."""


class ExpiredError(Exception):
    """It was there, and its time is over."""


@dataclass(frozen=True, slots=True)
class Caps:
    """Of one person, on one server."""

    unfinished: int
    kept: int


@dataclass(frozen=True, slots=True)
class Taken:
    """A task whose process was lost, for another attempt here."""

    id: str
    tool: str
    attempt: int
    call: Mapping[str, Any]
    answers: Mapping[str, Any]


class Table:
    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", holder: str) -> None:
        self._pool = pool
        self._holder = holder

    async def create(
        self,
        task_id: str,
        owner: str,
        tool: str,
        call: Mapping[str, Any],
        ttl: float,
        poll: float,
        caps: Caps,
    ) -> Task:
        """Durable when this returns.

        Raises:
            TooManyError: and nothing was created.

        """
        async with self._pool.acquire(timeout=CONNECT_SECONDS) as db, db.transaction():
            # one at a time: else two would both be the last that fits
            await db.execute("LOCK TABLE tasks.task IN SHARE ROW EXCLUSIVE MODE")
            counted = await db.fetchrow(
                f"SELECT count(*) FILTER (WHERE {_UNFINISHED}), count(*) FROM tasks.task"  # noqa: S608  our own constants
                " WHERE owner = $1 AND status <> 'expired' AND expires_at > now()",
                owner,
            )
            unfinished, kept = counted or (0, 0)
            if unfinished >= caps.unfinished or kept >= caps.kept:
                raise TooManyError
            row = await db.fetchrow(
                "INSERT INTO tasks.task"  # noqa: S608  our own constants
                " (id, owner, tool, status, expires_at, poll_ms, holder, leased_until, call)"
                " VALUES ($1, $2, $3, 'working', now() + make_interval(secs => $4), $5, $6,"
                f" now() + make_interval(secs => $7), $8) RETURNING {_SHOWN}",
                task_id, owner, tool, ttl, round(poll * 1000), self._holder, LEASE_SECONDS,
                json.dumps(call),
            )  # fmt: skip
        assert row is not None  # noqa: S101  an insert that did not raise
        return _task(row)

    async def read(self, task_id: str, owner: str) -> Task | None:
        """None: no such task, or another's.

        Raises:
            ExpiredError: its time is over.

        """
        row = await self._pool.fetchrow(
            f"SELECT {_SHOWN}, expires_at <= now() OR status = 'expired' AS late"  # noqa: S608
            " FROM tasks.task WHERE id = $1 AND owner = $2",
            task_id, owner,
        )  # fmt: skip
        if row is not None and row["late"]:
            raise ExpiredError
        return None if row is None else _task(row)

    async def cancel(self, task_id: str, owner: str) -> None:
        """What is over stays as it ended."""
        await self._pool.execute(
            "UPDATE tasks.task SET status = 'cancelled',"  # noqa: S608
            f" message = 'Cancelled on request.', {_OVER}"
            f" WHERE id = $1 AND owner = $2 AND {_UNFINISHED}",
            task_id, owner,
        )  # fmt: skip

    async def ask(self, task_id: str, requests: Mapping[str, Any]) -> bool:
        """Whether it is still ours to ask."""
        done = await self._pool.execute(
            "UPDATE tasks.task SET status = 'input_required', requests = $3, updated_at = now()"  # noqa: S608
            f" WHERE id = $1 AND holder = $2 AND {_UNFINISHED}",
            task_id, self._holder, json.dumps(requests),
        )  # fmt: skip
        return bool(done == "UPDATE 1")

    async def answer(self, task_id: str, owner: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Take answers to what is asked, and nothing else; all answers so far."""
        async with self._pool.acquire() as db, db.transaction():
            row = await db.fetchrow(
                "SELECT requests, answers FROM tasks.task"
                " WHERE id = $1 AND owner = $2 AND status = 'input_required' FOR UPDATE",
                task_id, owner,
            )  # fmt: skip
            if row is None:
                return {}
            requests, answers = _object(row["requests"]), _object(row["answers"])
            new = {key: one for key, one in given.items() if key in requests and key not in answers}
            if new:
                answers |= new
                waits = any(key not in answers for key in requests)
                await db.execute(
                    "UPDATE tasks.task SET answers = $2, status = $3, updated_at = now()"
                    " WHERE id = $1",
                    task_id, json.dumps(answers), "input_required" if waits else "working",
                )  # fmt: skip
        return answers

    async def finish(self, task_id: str, status: str, ending: Mapping[str, Any]) -> None:
        """Only by who holds it, only once."""
        await self._pool.execute(
            f"UPDATE tasks.task SET status = $3, ending = $4, message = NULL, {_OVER}"  # noqa: S608
            f" WHERE id = $1 AND holder = $2 AND {_UNFINISHED} AND expires_at > now()",
            task_id, self._holder, status, json.dumps(ending),
        )  # fmt: skip

    async def alive(self, ids: Iterable[str], *, renew: bool) -> dict[str, dict[str, Any]]:
        """Which of these are still ours to work on, with the answers given so far."""
        which = f"id = ANY($1) AND holder = $2 AND {_UNFINISHED} AND expires_at > now()"
        if renew:
            rows = await self._pool.fetch(
                "UPDATE tasks.task SET leased_until = now() + make_interval(secs => $3)"  # noqa: S608
                f" WHERE {which} RETURNING id, answers",
                list(ids), self._holder, LEASE_SECONDS,
            )  # fmt: skip
        else:
            rows = await self._pool.fetch(
                f"SELECT id, answers FROM tasks.task WHERE {which}",  # noqa: S608
                list(ids),
                self._holder,
            )
        return {row["id"]: _object(row["answers"]) for row in rows}

    async def release(self, ids: Iterable[str]) -> None:
        """Whoever comes next may go on at once; this attempt does not count."""
        await self._pool.execute(
            "UPDATE tasks.task SET holder = NULL, leased_until = now(), attempt = attempt - 1"  # noqa: S608
            f" WHERE id = ANY($1) AND holder = $2 AND {_UNFINISHED}",
            list(ids), self._holder,
        )  # fmt: skip

    async def take_over(self, attempts: Mapping[str, int], most: int) -> list[Taken]:
        """Lost tasks of tools that may be tried again; each has a pause after each attempt."""
        rows = await self._pool.fetch(
            "UPDATE tasks.task SET holder = $1, leased_until = now() + make_interval(secs => $2),"  # noqa: S608
            " attempt = attempt + 1, status = 'working', requests = NULL, updated_at = now(),"
            " message = CASE WHEN attempt > 0"
            " THEN 'Its process was lost; attempt ' || attempt + 1 || '.' END"
            " WHERE id IN (SELECT id FROM tasks.task JOIN unnest($3::text[], $4::text[])"
            f"  AS may(name, attempts) ON name = tool WHERE {_UNFINISHED}"
            "  AND leased_until < now() - make_interval(secs => $5 * greatest(attempt - 1, 0))"
            "  AND holder IS DISTINCT FROM $1"  # a process that was slow has not lost its own
            "  AND attempt < attempts::int AND expires_at > now()"
            "  ORDER BY created_at LIMIT $6 FOR UPDATE OF task SKIP LOCKED)"
            " RETURNING id, tool, attempt, call, answers",
            self._holder, LEASE_SECONDS, list(attempts), _texts(attempts), AGAIN_SECONDS,
            most,
        )  # fmt: skip
        return [
            Taken(
                one["id"],
                one["tool"],
                one["attempt"],
                _object(one["call"]),
                _object(one["answers"]),
            )
            for one in rows
        ]  # fmt: skip

    async def tidy(self, attempts: Mapping[str, int], lost: Mapping[str, Any]) -> None:
        """End what nobody goes on with, empty what has expired, forget what was long ago."""
        await self._pool.execute(
            f"UPDATE tasks.task SET status = 'failed', ending = $3, message = NULL, {_OVER}"  # noqa: S608
            f" WHERE {_UNFINISHED} AND leased_until < now() AND expires_at > now()"
            "  AND holder IS DISTINCT FROM $4 AND NOT EXISTS"
            "  (SELECT FROM unnest($1::text[], $2::text[]) AS may(name, attempts)"
            "   WHERE name = tool AND attempt < attempts::int)",
            list(attempts), _texts(attempts), json.dumps(lost), self._holder,
        )  # fmt: skip
        await self._pool.execute(
            f"UPDATE tasks.task SET status = 'expired', ending = NULL, message = NULL, {_OVER}"  # noqa: S608
            " WHERE expires_at <= now() AND status <> 'expired'"
        )
        await self._pool.execute(
            "DELETE FROM tasks.task WHERE expires_at < now() - make_interval(secs => $1)",
            FORGET_SECONDS,
        )


def _texts(attempts: Mapping[str, int]) -> list[str]:
    """Numbers as texts: for an array of numbers the driver asks the catalog about its type first,
    with a function that a hardened database has closed.
    """
    return [str(one) for one in attempts.values()]


def _object(text: str | None) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text) if text else {}
    return found


def _task(row: "asyncpg.Record") -> Task:
    answers = _object(row["answers"])
    requests = {key: one for key, one in _object(row["requests"]).items() if key not in answers}
    life = row["expires_at"] - row["created_at"]
    return Task(
        id=row["id"],
        status=row["status"],
        message=row["message"],
        created=row["created_at"],
        updated=row["updated_at"],
        ttl_ms=round(life.total_seconds() * 1000),
        poll_ms=row["poll_ms"],
        end=row["ending"],
        requests=requests,
    )
