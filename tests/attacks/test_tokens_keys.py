"""T04: key ids that nobody has ever published; what a real rotation does is in test_oauth_issuer."""

import asyncio
import secrets
import time
from typing import Any

import httpx2
from attacks.between import watched
from attacks.forge import Offered, dumped, offering, sealed
from attacks.process import RATES
from house.backends import Counted
from house.conftest import Opened

from mcp_shared.tokens import REFETCH_SECONDS

FLOOD, AT_ONCE = 1_000, 50


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
