"""T: the issuer's signing keys, asked for rarely and rotated for real (SIGHUP)."""

import asyncio
import os
import secrets
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from attacks.forge import Offered, dumped, offering, sealed
from attacks.process import RATES
from house.asks import result_of
from house.backends import Counted
from house.conftest import Opened
from house.house import House
from people import Issuer, running_issuer

from mcp_shared.tokens import LAST_GOOD_SECONDS, REFETCH_SECONDS, KeySource

FLOOD, AT_ONCE = 1_000, 50


@pytest.fixture(scope="module")
def issuer(run_folder: Path) -> Iterator[Issuer]:
    """One of this file's own: its keys are changed here."""
    with running_issuer(run_folder / "issuer-keys", servers=("numbers",)) as running:
        yield running


@dataclass
class Watched:
    """How often the gateway asks for keys, and a clock that can be put forward."""

    source: KeySource
    asked: int = 0
    ahead: float = 0.0

    def __post_init__(self) -> None:
        fetch = self.source._fetch

        async def counted() -> Mapping[str, Any]:
            self.asked += 1
            return await fetch()

        self.source._fetch = counted
        self.source._clock = lambda: time.monotonic() + self.ahead


def watched(home: House) -> Watched:
    assert home.gateway.keys is not None
    return Watched(home.gateway.keys)


def rotate(issuer: Issuer) -> None:
    before = published(issuer)
    assert issuer.pid
    os.kill(issuer.pid, signal.SIGHUP)
    deadline = time.monotonic() + 10
    while published(issuer) == before:
        assert time.monotonic() < deadline


def published(issuer: Issuer) -> list[str]:
    return [key["kid"] for key in httpx2.get(issuer.jwks_url).json()["keys"]]


async def flood(offered: Offered) -> list[httpx2.Response]:
    """Unsigned, for no key id here exists: 1,000 of them, and good calls of new tokens among them."""
    mint, payload = offered.mint, dumped(offered.mint.claims)
    kids = [secrets.token_hex(8) for _ in range(FLOOD)]
    template = sealed(dumped(mint.header), payload, mint.key)
    answers = []
    for start in range(0, FLOOD, AT_ONCE):
        batch = [mint.relabelled(template, kid=kid) for kid in kids[start : start + AT_ONCE]]
        answers += await asyncio.gather(*(offered.call(token) for token in batch))
        await offered.admitted(mint.token(jti=f"good {start}"))
    return answers


async def test_T04_a_flood_of_unknown_keys_asks_the_issuer_once(
    server: Counted, opened: Opened
) -> None:
    async with opened(server, extra=RATES) as home, offering(home) as offered:
        keys = watched(home)
        keys.ahead = REFETCH_SECONDS + 1
        started = time.monotonic()
        answers = await flood(offered)
        assert {one.status_code for one in answers} == {401}
        assert len(answers) == FLOOD
        took = time.monotonic() - started
        assert 1 <= keys.asked <= 1 + took // REFETCH_SECONDS
        asked = keys.asked
        keys.ahead += REFETCH_SECONDS + 1
        for _ in range(2):
            await offered.refused(offered.mint.token({"kid": "yet another"}), "unknown key id")
        assert keys.asked == asked + 1
        # a key id is looked up and nothing else
        kid: Any
        for kid in (None, 5, [], {}, "", "../../etc/passwd", "' OR 1=1", "x" * 9_000, "\u0000"):
            await offered.refused(
                offered.mint.token({"kid": kid}), "unknown key id", "header", "not a signed token"
            )
        assert keys.asked == asked + 1


async def test_T25_a_new_key_counts_after_one_question_and_a_removed_one_no_more(
    server: Counted, opened: Opened, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(server) as home, offering(home) as offered:
        keys, old = watched(home), offered.mint
        known, unseen, late = (old.token(jti=name) for name in ("known", "unseen", "late"))
        await offered.admitted(known)
        rotate(issuer)  # the new key signs; the one before is still published
        keys.ahead += REFETCH_SECONDS + 1
        new = issuer.token("ana")
        await offered.admitted(new)
        await offered.admitted(issuer.token("ana"))
        assert keys.asked == 1
        await offered.admitted(unseen)
        rotate(issuer)  # now it is gone, and nobody has come with a newer one yet
        assert old.key.kid not in published(issuer)
        keys.ahead += LAST_GOOD_SECONDS / 4 + 1
        await offered.refused(late, "unknown key id")
        assert keys.asked == 2
        await offered.admitted(issuer.token("ana"))
        assert keys.asked == 2
        # who was let in before stays until the token ends, and no longer than any other
        said = {"authorization": f"Bearer {known}"}
        assert result_of(offered.told.answer(await home.post("tools/list", headers=said)))
        home._tokens.clear()  # signed with a key that is gone by now
        # for the server, too, the half minute has passed
        monkeypatch.setattr("mcp_shared.tokens.REFETCH_SECONDS", 0)
