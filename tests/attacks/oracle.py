"""What holds after any attack, whatever it was (the oracle of the attack catalogue).

    async with unharmed(home) as told:
        told.answer(await home.call("numbers_add_numbers", {"numbers": ["x"]}))

No server was called; every answered request is on the record once; no answer and no log line holds
a secret, a stack trace or a server's address; a good call is served soon; memory did not
grow. What an attack may do beyond that is said in the arguments.
"""

import asyncio
import contextlib
import gc
import io
import logging
import os
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import psutil
from house.asks import GOOD, result_of
from house.house import House

from mcp_shared.logs import JsonLines

GOOD_SECONDS = 5.0  # hundredths where nothing else runs
SETTLE_SECONDS = 10.0
MAX_GROWTH = 50 * 1024 * 1024  # bytes
CALLS = ("tools/call", "prompts/get", "resources/read")
FINAL = ("outcome", "refusal")  # one of these closes a request
GIVEN_AWAY = (b"Traceback (most recent call last)", b'File "/', b"asyncpg.", b"SELECT ")


@dataclass
class Told:
    """Everything the attacker, or a reader of the logs, got to see."""

    heard: list[bytes] = field(default_factory=list)
    answers: int = 0
    # calls that were let in, where only the attack can tell; on top of `upstream`
    let_in: int = 0
    # by name: what this attack brought along and nobody may repeat
    secrets: dict[str, bytes] = field(default_factory=dict)

    def answer(self, response: Any) -> Any:
        """Keep one HTTP response, as it would be read: status, headers, body."""
        self.answers += 1
        head = "\n".join(f"{key}: {value}" for key, value in response.headers.multi_items())
        self.heard.append(f"{response.status_code}\n{head}\n\n".encode() + response.content)
        return response

    def hear(self, text: bytes | str) -> None:
        """Keep anything else."""
        self.heard.append(text if isinstance(text, bytes) else text.encode())


@contextlib.asynccontextmanager
async def unharmed(
    home: House,
    *,
    records: int | None = None,
    upstream: int = 0,
    person: str = "ana",
    pid: int | None = None,
) -> AsyncIterator[Told]:
    """Attack inside, and be judged at the end.

    `records` is how many requests were read and answered: every answer kept in `Told` unless said
    otherwise, and 0 for what is turned away at the door. `upstream` is how many calls may have
    reached a server. `person` makes the good call afterwards, so it must have some of its limit
    left. `pid` is the process to weigh, this one by default.
    """
    told, process = Told(), psutil.Process(pid or os.getpid())
    before = process.memory_info().rss
    closed_before, reached_before = len(await closed(home)), reached(home)
    with _logged() as log:
        yield told
    expected = closed_before + (told.answers if records is None else records)
    found = await _settled(home, expected)
    assert len(found) == expected, f"{len(found)} records, not {expected}: {found[closed_before:]}"
    assert len({one["rid"] for one in found}) == len(found), "a request is on the record twice"
    let_in = reached(home) - reached_before
    assert let_in == upstream + told.let_in, "calls that reached a server"
    told.hear(log.getvalue())
    assert_nothing_given_away(told.heard, secrets_of(home) | told.secrets)
    await _serves(home, person)
    if process.memory_info().rss - before >= MAX_GROWTH:
        gc.collect()  # what is kept counts, not what has not been swept up yet
    growth = process.memory_info().rss - before
    assert growth < MAX_GROWTH, f"memory grew by {growth / 1024 / 1024:.0f} MiB"


def assert_nothing_given_away(heard: list[bytes], secrets: dict[str, bytes]) -> None:
    for text in heard:
        for name, secret in secrets.items():
            at = text.find(secret)
            assert at < 0, f"{name} in {text[max(0, at - 80) : at]!r}…"


def secrets_of(home: House) -> dict[str, bytes]:
    """By name: what neither an answer nor a log line may hold."""
    made = home.gateway.settings
    found = {f"what tells of the inside: {one!r}": one for one in GIVEN_AWAY}
    for name in ("ledger_url", "ledger_reader_url", "redis_url"):
        if password := urlsplit(getattr(made, name)).password:
            found[f"the password of {name}"] = password.encode()
    for path in made.keys.iterdir():
        if path.name != "ledger.pub":
            found |= {f"{path.name} {how}": one for how, one in spelt(path.read_bytes())}
    for (person, scope), (_, token) in home._tokens.items():
        found[f"the token of {person} for {scope}"] = token.encode()
    for server in {home.server.name: home.server, **home.servers}.values():
        found[f"the address of {server.name}"] = f"127.0.0.1:{server.port}".encode()
        found[f"the audience of {server.name}"] = f"{server.name}.internal".encode()
    return found | {"a person's password": home.issuer.password.encode()}


def spelt(key: bytes) -> Iterator[tuple[str, bytes]]:
    """A key as it is, and as somebody might have written it."""
    if key.startswith(b"-----BEGIN"):
        yield "in part", key.splitlines()[1]
        return
    yield from (("raw", key), ("hex", key.hex().encode()))
    yield from (("base64", b64encode(key)), ("base64url", urlsafe_b64encode(key).rstrip(b"=")))


async def closed(home: House) -> list[dict[str, Any]]:
    """The last word on every request since the test began."""
    return [one for one in await home.records() if one["kind"] in FINAL]


def reached(home: House) -> int:
    servers = {home.server.name: home.server, **home.servers}.values()
    return sum(len(server.of(method)) for server in servers for method in CALLS)


async def _settled(home: House, count: int) -> list[dict[str, Any]]:
    deadline = time.monotonic() + SETTLE_SECONDS
    while len(found := await closed(home)) < count and time.monotonic() < deadline:  # noqa: ASYNC110  the database has no event
        await asyncio.sleep(0.02)
    return found


async def _serves(home: House, person: str) -> None:
    async with asyncio.timeout(GOOD_SECONDS):
        answer = await home.call(GOOD["name"], GOOD["arguments"], person=person)
    assert result_of(answer)["structuredContent"]["total"] == 1


@contextlib.contextmanager
def _logged() -> Iterator[io.StringIO]:
    """What the process logs meanwhile, as its log file would have it."""
    log, root = io.StringIO(), logging.getLogger()
    handler = logging.StreamHandler(log)
    handler.setFormatter(JsonLines("gateway"))
    handler.addFilter(lambda record: not record.name.startswith("httpx2"))  # the attacker's own
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield log
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
