"""The oracle notices what it is there for; otherwise every attack would pass."""

import logging
from collections.abc import Awaitable, Callable

import pytest
from attacks.oracle import Told, secrets_of, unharmed
from house.asks import GOOD
from house.backends import answers
from house.house import House

Attack = Callable[[House, Told], Awaitable[None]]


async def refused(home: House, told: Told) -> None:
    told.answer(await home.call(GOOD["name"], GOOD["arguments"], person="ben"))


async def allowed(home: House, told: Told) -> None:
    told.answer(await home.call(GOOD["name"], GOOD["arguments"]))


async def unrecorded(home: House, told: Told) -> None:
    told.answer(await home.post("tools/list"))


async def shown(home: House, told: Told) -> None:
    told.hear(f"Hello {home.token('ana')}")


async def logged(home: House, told: Told) -> None:
    logging.getLogger("gateway").info("connecting", extra={"dsn": home.gateway.settings.ledger_url})


async def traced(home: House, told: Told) -> None:
    try:
        int("a bug")
    except ValueError:
        logging.getLogger("gateway").exception("failed")


async def stuck(home: House, told: Told) -> None:
    home.server.behave = answers(b"", status=500)


NOTICED: dict[str, tuple[Attack, str]] = {
    "a call that reached a server": (allowed, "calls that reached a server"),
    "a request without a record": (unrecorded, "records, not"),
    "a token in an answer": (shown, "the token of ana"),
    "a password in the log": (logged, "the password of ledger_url"),
    "a stack trace": (traced, "what tells of the inside"),
    "a gateway that does not serve any more": (stuck, "structuredContent"),
}


@pytest.mark.parametrize("breach", NOTICED)
async def test_the_oracle_notices(home: House, breach: str) -> None:
    attack, says = NOTICED[breach]
    with pytest.raises((AssertionError, KeyError), match=says):
        async with unharmed(home) as told:
            await attack(home, told)


async def test_the_oracle_lets_pass_what_is_right(home: House) -> None:
    async with unharmed(home) as told:
        await refused(home, told)
    async with unharmed(home, upstream=1) as told:
        await allowed(home, told)
    async with unharmed(home, records=0) as told:
        await unrecorded(home, told)


async def test_the_oracle_knows_the_secrets_of_the_house(home: House) -> None:
    home.token("ana")
    names = " ".join(secrets_of(home))
    for kept in (
        "ledger_url", "redis_url", "gateway-assertion.pem", "ledger.pem in part",
        "sealing.key base64url", "session.key hex", "the token of ana",
        "the address of numbers", "a person's password",
    ):  # fmt: skip
        assert kept in names
