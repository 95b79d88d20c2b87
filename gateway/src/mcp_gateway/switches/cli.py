"""`python -m mcp_gateway.switches`: block, unblock, revoke, list; on the record."""

import argparse
import asyncio
import os
import pwd
import re
import socket
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from mcp_gateway.audit import keys
from mcp_gateway.audit.waiting import LedgerDown
from mcp_gateway.configuration import settings
from mcp_gateway.configuration.settings import ConfigError, Settings, from_environment
from mcp_gateway.definitions import catalogue
from mcp_gateway.rights import policy
from mcp_gateway.switches import table
from mcp_gateway.switches.change import Change, Done, apply, listed
from mcp_gateway.switches.live import AGAIN_SECONDS
from mcp_gateway.switches.state import Kind, Switch, canonical

DONE, NOT_DONE, UNUSABLE = 0, 1, 2  # exit codes
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
MAX_SECONDS = 366 * 86_400
MAX_NAME, MAX_REASON = 200, 500  # characters, as the table has it


class UsageError(Exception):
    """The command cannot run as it was called; the message says what is missing."""


def main(arguments: Sequence[str] | None = None, *, insist_on_durability: bool = True) -> int:
    options = _parser().parse_args(arguments)
    try:
        made = _replica()
        if options.command == "list":
            print(_table(asyncio.run(listed(made.ledger_url))))
            return DONE
        change = _change(options, made)
        done = asyncio.run(_applied(change, made, insist_on_durability=insist_on_durability))
    except (UsageError, ConfigError, keys.KeyFileError) as error:
        print(f"switches: {error}", file=sys.stderr)
        return UNUSABLE
    except LedgerDown as error:
        print(f"switches: not recorded, so nothing was changed: {error}", file=sys.stderr)
        return NOT_DONE
    except table.FAULTS as error:
        failed = "nothing can be listed" if options.command == "list" else "not in effect"
        print(f"switches: {failed}, the database failed: {error}", file=sys.stderr)
        return NOT_DONE
    print(_told(change, done))
    return DONE


def _replica() -> Settings:
    made = from_environment()
    if not made.ledger_url:
        raise UsageError("GATEWAY_LEDGER_URL is not set: run this where the gateway runs")
    return made


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mcp_gateway.switches", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in (
        ("block", "close a tool, an agent or a person"),
        ("unblock", "open it again"),
        ("revoke", "refuse every token a person has now; the person may sign in anew"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("--person", default="", help="username, or the subject of the token")
        command.add_argument("--reason", default="", help="why; on the record, never sent")
        if name != "revoke":
            command.add_argument("--tool", default="", help="as on /mcp: <server>_<tool>")
            command.add_argument("--agent", default="", help="the client, as agents.yaml has it")
        if name == "block":
            command.add_argument("--for", dest="lasting", default="", help="30m, 1h, 2d: no longer")
    commands.add_parser("list", help="what is closed now")
    return parser


def _change(options: argparse.Namespace, made: Settings) -> Change:
    kinds: tuple[Kind, ...] = ("tool", "agent", "person")
    given = [(kind, name) for kind in kinds if (name := vars(options).get(kind, ""))]
    wanted = "PERSON" if options.command == "revoke" else "one of TOOL, AGENT and PERSON"
    if len(given) != 1:
        raise UsageError(f"name {wanted}, such as PERSON=ben")
    kind, name = given[0]
    if len(name) > MAX_NAME or len(options.reason) > MAX_REASON:
        raise UsageError(f"a name has {MAX_NAME} characters at most, a reason {MAX_REASON}")
    if options.command == "block":
        _insist_on_known(kind, name, made)
    if options.command == "unblock" and not _is_closed(kind, name, made):
        raise UsageError(f"{kind} {name} is not blocked; `make blocks` lists what is")
    return Change(
        kind="tokens" if options.command == "revoke" else kind,
        name=name,
        closed=options.command != "unblock",
        reason=options.reason,
        by=operator(),
        seconds=_seconds(getattr(options, "lasting", "")),
    )


def _insist_on_known(kind: str, name: str, made: Settings) -> None:
    """A switch for what does not exist would look like one that works."""
    config = settings.load(made.config, made)
    servers = settings.servers(config, made.config)
    if kind == "tool":
        pinned = catalogue.load(servers).servers
        known = {f"{one.server}_{tool}" for one in pinned.values() for tool in one.tools}
    elif kind == "agent":
        found = policy.load(servers, made.config.parent / "agents.yaml", config.limits.timeout)
        known = {*found.agents, *found.services}
    else:
        return  # people are the issuer's to know
    if name not in known:
        raise UsageError(f"there is no {kind} {name!r}; there are {', '.join(sorted(known))}")


def _is_closed(kind: Kind, name: str, made: Settings) -> bool:
    wanted = (kind, canonical(kind, name))
    return wanted in {(one.kind, one.name) for one in asyncio.run(listed(made.ledger_url))}


def _seconds(text: str) -> int | None:
    if not text:
        return None
    match = re.fullmatch(r"(\d{1,9})([smhd])", text.strip())
    seconds = int(match[1]) * UNITS[match[2]] if match else 0
    if not 0 < seconds <= MAX_SECONDS:
        raise UsageError(f"FOR={text}: expected a time such as 30m, 1h or 2d, a year at most")
    return seconds


def operator() -> str:
    """Who runs this, by the operating system, with the machine it runs on."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user need not have a name
        name = f"uid {os.getuid()}"
    before = os.environ.get("SUDO_USER")
    shown = f"{before} as {name}" if before and os.getuid() == 0 else name
    return f"{shown} on {socket.gethostname()}"[:MAX_NAME]


async def _applied(change: Change, made: Settings, *, insist_on_durability: bool) -> Done:
    done = await apply(
        change,
        ledger_url=made.ledger_url,
        key=made.keys / keys.PRIVATE_NAME,
        redis_url=made.redis_url,
        insist_on_durability=insist_on_durability,
    )
    if change.kind == "tokens":
        # a token tells the second it was issued in: one of this second could be from before
        await asyncio.sleep(max(0.0, int(done.at) + 1 - time.time()))
    return done


def _told(change: Change, done: Done) -> str:
    name = canonical(change.kind, change.name)
    what = {
        "blocked": f"{change.kind} {name} is blocked",
        "unblocked": f"{change.kind} {name} is open again",
        "revoked": f"every token {name} has had until now is refused; a new sign-in works",
    }[change.event]
    until = f" until {_moment(done.at + change.seconds)}" if change.seconds else ""
    when = (
        "from the next call on"
        if done.heard
        else f"within {AGAIN_SECONDS:g} seconds (Valkey is away)"
    )
    return f"{what}{until}, {when}; on the record as {change.by}"


def _table(found: Sequence[Switch]) -> str:
    if not found:
        return "nothing is blocked"
    rows = [("what", "name", "since", "until", "by", "why")]
    for one in found:
        until = "" if one.until is None else _moment(one.until)
        rows.append((one.kind, one.name, _moment(one.at), until, one.by, one.reason))
    shown = [[_printable(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in shown) for column in range(len(rows[0]))]
    lines = []
    for row in shown:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else "�" for one in text)


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
