"""Each layer of `run_sql` against every attack, with the others out of the way, and all together.

    make sql-layers

An attack is contained when nothing changed, no foreign row came back, it ended in time and the
connection is clean for the next caller. What merely ran may be harmless; it is counted apart.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from postgres import opened
from postgres.attacks import HOSTILE, Attack
from postgres.loaded import Loaded, loaded
from postgres.planted import FOREIGN, MINE, held, planted, state
from sqlglot.errors import SqlglotError

from mcp_local import postgres
from mcp_shared.faults import Fault
from mcp_warehouse import allowed, parse
from mcp_warehouse.guard import Admitted, Refused, admit
from mcp_warehouse.reader import Reader, reading
from mcp_warehouse.rights import regions_of
from mcp_warehouse.settings import Settings

ROOT = Path(__file__).parents[2]
TABLES = frozenset({
    "accounts", "as_of", "nations", "order_lines", "order_status_by_nation", "orders", "products",
    "regions", "revenue_by_month", "revenue_by_nation", "revenue_by_segment", "suppliers",
    "supplier_performance",
})  # fmt: skip
EUROPE = regions_of(["region-europe"])
STATEMENT_SECONDS, DEADLINE_SECONDS = 1.5, 2.0
GRACE_SECONDS = 0.5
ROWS = 1000


@dataclass(frozen=True)
class Outcome:
    ran: bool
    why: str = ""  # not: the SQLSTATE, or the reason of the guard
    rows: int = 0
    changed: bool = False
    foreign: bool = False
    late: bool = False
    left: tuple[str, ...] = ()

    @property
    def contained(self) -> bool:
        return not (self.changed or self.foreign or self.late or self.left)


Run = Callable[[Attack], Awaitable[Outcome]]


@dataclass(frozen=True)
class Answer:
    """What one execution gave, before anybody has looked at the damage."""

    ran: bool
    why: str = ""
    rows: int = 0
    text: str = ""
    left: tuple[str, ...] = ()


async def in_database(url: str, sql: str) -> Answer:
    """The statement as the server would send it, without the parser before it."""
    session = await asyncpg.connect(url, statement_cache_size=0)
    notices: list[str] = []
    session.add_log_listener(lambda _, message: notices.append(str(message)))
    try:
        transaction = session.transaction(readonly=True)
        await transaction.start()
        await session.execute(
            f"SET LOCAL app.regions = '{MINE}'; SET LOCAL lock_timeout = '200ms';"
            f" SET LOCAL statement_timeout = '{int(STATEMENT_SECONDS * 1000)}ms'"
        )
        answer = await _fetched(session, sql, DEADLINE_SECONDS)
        if session.is_closed():  # it ended itself
            return answer
        await transaction.rollback()
        await session.execute("DISCARD ALL")
        # a notice that carries a value is a row by another way
        told = answer.text + " ".join(notices)
        return Answer(answer.ran, answer.why, answer.rows, told, tuple(await held(session)))
    finally:
        session.terminate()


async def wide_open(url: str, sql: str) -> Answer:
    """The statement in a session that may do everything, without limit or transaction."""
    session = await asyncpg.connect(url, statement_cache_size=0)
    try:
        await session.execute(f"SET app.regions = '{MINE}'")
        async with session.transaction():  # a cursor needs one; it commits
            return await _fetched(session, sql, DEADLINE_SECONDS)
    except asyncpg.PostgresError as error:  # the commit
        return Answer(ran=False, why=error.sqlstate or "")
    finally:
        session.terminate()


async def _fetched(session: asyncpg.Connection, sql: str, seconds: float) -> Answer:
    try:
        async with asyncio.timeout(seconds):
            cursor = await session.cursor(sql)
            rows = await cursor.fetch(ROWS + 1)
    except TimeoutError:
        return Answer(ran=False, why="deadline")
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        return Answer(ran=False, why=getattr(error, "sqlstate", "") or type(error).__name__)
    return Answer(ran=True, rows=len(rows), text=" ".join(str(tuple(row)) for row in rows))


async def through(reader: Reader, statement: Admitted) -> Answer:
    """The statement by the server's own code, cost gate and caps included."""
    try:
        found = await reader.select(statement, ROWS, EUROPE)
    except Fault as fault:
        return Answer(ran=False, why=fault.what, text=str(fault))
    return Answer(ran=True, rows=len(found.rows), text=str(found.rows))


def watched(admin: asyncpg.Connection, execute: Callable[[str], Awaitable[Answer]]) -> Run:
    """Execute, and look at what has become of the database."""

    seen: list[object] = []

    async def run(attack: Attack) -> Outcome:
        before = seen.pop() if seen else await state(admin)
        started = time.monotonic()
        answer = await execute(attack.sql)
        took = time.monotonic() - started
        seen.append(await state(admin))
        return Outcome(
            ran=answer.ran, why=answer.why, rows=answer.rows,
            changed=seen[0] != before,
            foreign=FOREIGN in answer.text,
            late=took > DEADLINE_SECONDS + GRACE_SECONDS,
            left=answer.left,
        )  # fmt: skip

    return run


def guarded(execute: Callable[[str], Awaitable[Answer]]) -> Callable[[str], Awaitable[Answer]]:
    """What the parser lets through, in the words it makes of it."""

    async def run(sql: str) -> Answer:
        try:
            statement = admit(sql, TABLES)
        except Refused as refused:
            return Answer(ran=False, why=refused.reason)
        return await execute(statement.text)

    return run


def first_word(sql: str) -> bool:
    """The check people write first."""
    return sql.lstrip("( \n\t").upper().startswith(("SELECT", "WITH"))


def one_select(sql: str) -> bool:
    """The check people write second."""
    try:
        statements = parse.statements(sql)
    except (SqlglotError, RecursionError):
        return False
    return len(statements) == 1 and type(statements[0]) in allowed.ROOTS


def merely(passes: Callable[[str], bool]) -> Run:
    """A check that is counted and not followed: what it lets through was never meant to run."""

    async def run(attack: Attack) -> Outcome:
        return Outcome(ran=passes(attack.sql))

    return run


async def layers(server: postgres.Postgres, stack: AsyncExitStack) -> dict[str, Run]:
    """Every layer by its name, on databases of its own."""
    target = await planted(server, await loaded(server))
    plain = await opened.plain(server, target)
    wide = await opened.wide(server, target)

    async def admin_of(database: Loaded) -> asyncpg.Connection:
        connection = await asyncpg.connect(database.admin_url)
        stack.push_async_callback(connection.close)
        return connection

    reader = await stack.enter_async_context(reading(settings(target)))

    async def both(sql: str) -> Answer:
        try:
            statement = admit(sql, TABLES)
        except Refused as refused:
            return Answer(ran=False, why=refused.reason)
        return await through(reader, statement)

    return {
        "first word SELECT or WITH": merely(first_word),
        "parsed, one SELECT": merely(one_select),
        "allow-list, database wide open": watched(
            await admin_of(wide), guarded(lambda sql: wide_open(wide.ro_url, sql))
        ),
        "database: role, READ ONLY, row security": watched(
            await admin_of(plain), lambda sql: in_database(plain.ro_url, sql)
        ),
        "database hardened, no parser": watched(
            await admin_of(target), lambda sql: in_database(target.ro_url, sql)
        ),
        "server without its parser": watched(
            await admin_of(target), lambda sql: through(reader, Admitted(sql, frozenset(), ()))
        ),
        "both": watched(await admin_of(target), both),
    }


def settings(database: Loaded) -> Settings:
    return Settings(
        database_url=database.ro_url,
        connections=2,
        statement_seconds=STATEMENT_SECONDS,
        deadline_seconds=DEADLINE_SECONDS,
    )


ALONE = ("first word SELECT or WITH", "parsed, one SELECT")  # counted, not run


def line(name: str, outcomes: Iterable[tuple[Attack, Outcome]]) -> str:
    found = [outcome for _, outcome in outcomes]
    of = len(found)
    runs = f"{sum(one.ran for one in found):>4}/{of}"
    if name in ALONE:
        return f"{name:<42}{runs:>9}{'-':>9}{'-':>9}{'-':>9}{'-':>9}{'-':>12}"
    counts = [
        sum(one.changed for one in found),
        sum(one.foreign for one in found),
        sum(one.late for one in found),
        sum(bool(one.left) for one in found),
    ]
    contained = f"{sum(one.contained for one in found)}/{of}"
    return f"{name:<42}{runs:>9}" + "".join(f"{one:>9}" for one in counts) + f"{contained:>12}"


HEADER = f"{'layer alone':<42}{'runs':>9}{'changed':>9}{'foreign':>9}{'late':>9}{'left':>9}{'contained':>12}"


async def main(server: postgres.Postgres, *, every: bool) -> int:
    """Print the table; exit code 1 when the two together let something through."""
    say = sys.stdout.write
    failed = 0
    async with AsyncExitStack() as stack:
        table = await layers(server, stack)
        say(f"{len(HOSTILE)} hostile statements\n\n{HEADER}\n")
        for name, run in table.items():
            outcomes = [(attack, await run(attack)) for attack in HOSTILE]
            say(line(name, outcomes) + "\n")
            for attack, outcome in outcomes if name not in ALONE else ():
                if not outcome.contained or (every and outcome.ran):
                    say(f"    {attack.row} {attack.id}: {_told(outcome)}\n")
            sys.stdout.flush()
            if name == "both":
                failed = sum(not outcome.contained for _, outcome in outcomes)
    return 1 if failed else 0


def _told(outcome: Outcome) -> str:
    marks = {"changed": outcome.changed, "foreign row": outcome.foreign, "late": outcome.late}
    said = [mark for mark, true in marks.items() if true] + list(outcome.left)
    return ", ".join(said) or f"ran, {outcome.rows} rows"


if __name__ == "__main__":
    folder = ROOT / ".run" / "sql-layers"
    folder.mkdir(parents=True, exist_ok=True)
    with suppress(KeyboardInterrupt), postgres.running(folder, {"fsync": "off"}) as running:
        sys.exit(asyncio.run(main(running, every="--all" in sys.argv)))
