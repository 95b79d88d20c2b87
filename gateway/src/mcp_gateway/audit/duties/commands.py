"""Commands of people who answer for the record: open, erase, retire, restored, rotate.

Each is on the record before it acts, by the name that the operating system gives. Erasing and
retiring take a second name: one person says --propose, another --approve with the number.
"""

import argparse
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from mcp_gateway.audit import keys
from mcp_gateway.audit.checkpoints import options as checkpoint_options
from mcp_gateway.audit.duties import erase, opening, retention, two_names
from mcp_gateway.audit.duties.restating import restate
from mcp_gateway.audit.ledger import Ledger
from mcp_gateway.audit.offline.trust import load as load_trust
from mcp_gateway.audit.payload import load_keks
from mcp_gateway.audit.reads import NotRecordedError
from mcp_gateway.audit.store import NotDurableError
from mcp_gateway.audit.waiting import LedgerDown
from mcp_gateway.switches.cli import operator

REPLICA = "operator"
VARIABLES = {
    "GATEWAY_KEYS": "the folder of the ledger's keys",
    "GATEWAY_LEDGER_URL": "the ledger's URL for audit_writer",
    "GATEWAY_LEDGER_READER_URL": "the ledger's URL for audit_reader",
    "LEDGER_ADMIN_URL": "the administrator's URL of the ledger's database",
}
REFUSED = (
    erase.NobodyError,
    opening.NotOpenedError,
    retention.NotRetiredError,
    two_names.NotApprovedError,
    NotDurableError,
    LedgerDown,
)


def add(commands: Any) -> None:
    command = commands.add_parser("open", help="one call's encrypted arguments; on the record")
    command.add_argument("--rid", required=True, metavar="CALL")
    command.add_argument("--export", type=Path, metavar="FILE", help="of a day that is gone")
    command.set_defaults(run=_said(_open))

    command = commands.add_parser("erase", help="destroy a person's keys: a dry run unless told")
    who = command.add_mutually_exclusive_group(required=True)
    who.add_argument("--person", metavar="NAME", help="the user name on the record")
    who.add_argument("--subject", metavar="SUB", help="the issuer's subject, where names repeat")
    _two(command)
    command.set_defaults(run=_said(_erase))

    command = commands.add_parser("retire", help="export, verify and drop the days before one")
    command.add_argument("--before", required=True, type=date.fromisoformat, metavar="YYYY-MM-DD")
    command.add_argument("--exports", type=Path, metavar="FOLDER", help="where the exports go")
    command.add_argument(
        "--keep-arguments", action="store_true",
        help="exports carry encrypted arguments, and their keys stay until a person is erased",
    )  # fmt: skip
    _two(command)
    command.set_defaults(run=_said(_retire))

    command = commands.add_parser("restored", help="sign that a backup was restored")
    command.add_argument("--backup", required=True, metavar="NAME")
    command.add_argument("--taken", required=True, type=datetime.fromisoformat, metavar="MOMENT")
    checkpoint_options.add(command)
    command.set_defaults(run=_said(_restored))

    command = commands.add_parser("rotate", help="replace the ledger's signing key")
    command.set_defaults(run=_said(_rotate))


def _two(command: argparse.ArgumentParser) -> None:
    which = command.add_mutually_exclusive_group()
    which.add_argument("--propose", action="store_true", help="the first name, on the record")
    which.add_argument("--approve", metavar="NUMBER", help="the second name: carries it out")


def _said(run: Callable[[argparse.Namespace], Any]) -> Callable[[argparse.Namespace], Any]:
    """Foreseen refusals in words; the command line ends with 2 on them."""

    async def running(options: argparse.Namespace) -> int:
        try:
            await run(options)
        except REFUSED as error:
            raise NotRecordedError(str(error)) from error
        return 0

    return running


async def _open(options: argparse.Namespace) -> None:
    keyring, reader = Path(_env("GATEWAY_KEYS")), _env("GATEWAY_LEDGER_READER_URL")
    keks, who = load_keks(keyring), {"rid": options.rid, "by": operator()}
    async with _ledger() as ledger:
        if options.export is None:
            shown = await opening.open_arguments(reader, ledger, _trusted(), keks, **who)
        else:
            trust = load_trust(keyring / keys.PUBLIC_NAME)
            shown = await opening.open_exported(reader, ledger, trust, keks, options.export, **who)
    _say(shown.arguments.decode("utf-8", "backslashreplace"))


async def _erase(options: argparse.Namespace) -> None:
    keyring, reader = Path(_env("GATEWAY_KEYS")), _env("GATEWAY_LEDGER_READER_URL")
    name = options.person or options.subject
    person = await erase.find(
        reader, load_keks(keyring), name, by_subject=options.subject is not None
    )
    _say(
        f"{person.name}, subject {person.subject} of {person.issuer}",
        f"goes: {person.keys} keys, with them {person.payloads} calls' arguments",
        f"stays: {person.records} records that name them, {person.first} to {person.last}, "
        "until those days are retired",
    )
    if options.propose:
        async with _ledger() as ledger:
            number = await two_names.propose(ledger, "erase", person.scope(), operator())
        _say(f"proposed as {operator()}; somebody else: --approve {number}")
    elif options.approve:
        admin = _env("LEDGER_ADMIN_URL")
        async with _ledger() as ledger:
            place = erase.Place(ledger, reader, admin, keyring, _trusted())
            gone = await erase.erase(place, person, proposal=options.approve, by=operator())
        _say(
            f"{gone} keys are destroyed, on the record as {operator()}",
            f"copy {keyring / erase.ERASED_NAME} to where the keys' backups are: "
            "a restore takes these keys away again",
        )
    else:
        _say("nothing was changed; --propose begins it")


async def _retire(options: argparse.Namespace) -> None:
    reader, keep = _env("GATEWAY_LEDGER_READER_URL"), options.keep_arguments
    scope = retention.scope(options.before, keep=keep)
    days = await retention.days_before(reader, options.before, keep=keep)
    if not days:
        raise retention.NotRetiredError(f"no day before {options.before} is in the ledger")
    _say(f"{len(days)} days would go: {days[0]} to {days[-1]}")
    if options.propose:
        async with _ledger() as ledger:
            number = await two_names.propose(ledger, "retire", scope, operator())
        _say(f"proposed as {operator()}; somebody else: --approve {number}")
    elif options.approve:
        if options.exports is None:
            raise retention.NotRetiredError("--exports says where the verified exports go")
        admin, keyring = _env("LEDGER_ADMIN_URL"), Path(_env("GATEWAY_KEYS"))
        async with _ledger() as ledger:
            place = retention.Place(ledger, reader, admin, keyring, _trusted(), options.exports)
            for one in await retention.retire(
                place, options.before, keep=keep, proposal=options.approve, by=operator()
            ):
                _say(one.told())
    else:
        _say("nothing was changed; --propose begins it")


async def _restored(options: argparse.Namespace) -> None:
    keyring, admin = Path(_env("GATEWAY_KEYS")), _env("LEDGER_ADMIN_URL")
    witnessed = checkpoint_options.witnessed(options, keyring)
    again = await erase.destroy(admin, erase.noted(keyring))
    statement = await restate(
        admin, keys.load_private(keyring / keys.PRIVATE_NAME), witnessed,
        by=operator(), backup=options.backup, taken=options.taken, now=datetime.now(UTC),
    )  # fmt: skip
    async with _ledger() as ledger:
        detail = {"backup": options.backup, "by": operator(), "lost": statement.lost()[:100]}
        await ledger.append("event", {"reason": "ledger_restored", "detail": detail})
    _say(statement.told())
    if again:
        _say(f"{again} keys of erased people came back with it and are destroyed again")
    if witnessed is None:
        _say("no checkpoints were at hand: say --checkpoints PLACE, or what they saw stays missing")


async def _rotate(_: argparse.Namespace) -> None:
    path = Path(_env("GATEWAY_KEYS")) / keys.PRIVATE_NAME
    async with _ledger() as ledger:
        await ledger.append("event", {"reason": "key_rotation", "detail": {"by": operator()}})
        old, new = keys.rotate(path, datetime.now(UTC))
    _say(
        f"{new} signs from now on; {old} stays trusted for what it signed before",
        f"give auditors {path.with_name(keys.PUBLIC_NAME)} anew",
    )


@asynccontextmanager
async def _ledger() -> AsyncIterator[Ledger]:
    path = Path(_env("GATEWAY_KEYS")) / keys.PRIVATE_NAME
    ledger = await Ledger.open(_env("GATEWAY_LEDGER_URL"), path, REPLICA)
    try:
        yield ledger
    finally:
        await ledger.aclose()


def _trusted() -> keys.Trusted:
    return keys.load_public(Path(_env("GATEWAY_KEYS")) / keys.PUBLIC_NAME)


def _env(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise NotRecordedError(f"{name} is not set: {VARIABLES[name]}")
    return value


def _say(*lines: str) -> None:
    """Without what could steer a terminal: callers chose some of it."""
    for line in lines:
        shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
        sys.stdout.write(f"{shown}\n")
