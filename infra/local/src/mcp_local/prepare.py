"""What must be there before a part starts: its databases, then its setup commands, in order."""

from collections.abc import Awaitable, Callable

import asyncpg

from mcp_local import child, environment, own
from mcp_local.child import Child, Launch
from mcp_local.fill import Filler, databases
from mcp_local.plan import Part

SHOW_SECONDS = 1.0  # how often the last line of a running setup is shown


class SetupFailedError(RuntimeError):
    """A setup command ended badly; the end of its log is the reason."""


CANNOT_PREPARE = (SetupFailedError, OSError, TimeoutError, asyncpg.PostgresError)


async def prepare(
    part: Part,
    filler: Filler,
    report: Callable[[str], None],
    started: Callable[[Launch], Awaitable[Child]],
) -> None:
    if names := databases(part):
        report("databases")
        await own.make_databases(filler.postgres, names)
    for step in part.setup:
        title = step.title or " ".join(step.command[:3])
        report(title)
        launch = Launch(
            command=filler.command(step.command, part),
            env=environment.of_setup(part, step.env, filler),
            folder=filler.place.root,
            log=filler.place.logs / f"{part.name}.log",
        )
        process = await started(launch)
        while await child.exit_within(process, SHOW_SECONDS) is None:
            words = process.last_words(1)
            report(f"{title}: {words[0][:70]}" if words else title)
        child.end_group(process.pid)
        if process.process.returncode != 0:
            raise SetupFailedError(f"{title!r} {process.ending()}")
