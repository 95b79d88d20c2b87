"""What the people of a local stack want, and what a system of record then holds.

Reads are told by each server's demo.toml; a write that may be made for a rehearsal, and how to
count it, by its rehearsal.toml. Nothing here knows a server.
"""

import random
import secrets
import tomllib
from collections.abc import Iterator, Mapping, Sequence

import asyncpg
from pydantic import BaseModel, ConfigDict

from mcp_local.fill import with_database
from mcp_local.load import Stack
from mcp_playbook.drill.callers import Callers
from mcp_playbook.replicas.load import Wish

FILE = "rehearsal.toml"


class Keyed(BaseModel):
    """A server's rehearsal.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tool: str
    people: tuple[str, ...]
    arguments: Mapping[str, str]  # {key} is filled
    database: str
    count: str  # SQL; $1 is a key


def keyed(stack: Stack) -> Iterator[tuple[str, Keyed]]:
    for server in stack.plan.servers():
        file = server.folder / FILE
        if file.is_file():
            yield server.name, Keyed.model_validate(tomllib.loads(file.read_text("utf-8")))


def reads(stack: Stack, each: int) -> list[Wish]:
    """So many of every server's cheap read."""
    return [
        Wish(call.person, f"{call.server}_{call.tool}", call.arguments)
        for call in Callers.of(stack).reads()
        for _ in range(each)
    ]


def writes(stack: Stack, each: int) -> list[Wish]:
    """So many of everybody who may make one, each with a key of its own."""
    run = f"rehearsal-{secrets.token_hex(4)}"
    made = []
    for server, one in keyed(stack):
        for person in one.people:
            for number in range(each):
                key = f"{run}-{person}-{number:04}"
                filled = {name: text.replace("{key}", key) for name, text in one.arguments.items()}
                made.append(Wish(person, f"{server}_{one.tool}", filled, key))
    return made


def mixed(*kinds: Sequence[Wish]) -> list[Wish]:
    every = [wish for kind in kinds for wish in kind]
    random.shuffle(every)
    return every


async def made(stack: Stack, wishes: Sequence[Wish]) -> dict[str, int]:
    """How often each write stands in its system of record, by its key."""
    found: dict[str, int] = {}
    for server, one in keyed(stack):
        tool = f"{server}_{one.tool}"
        keys = {wish.key for wish in wishes if wish.tool == tool}
        connection = await asyncpg.connect(with_database(stack.filler().postgres, one.database))
        try:
            found |= {key: await connection.fetchval(one.count, key) for key in keys}
        finally:
            await connection.close()
    return found
