"""T: tokens that the issuer did sign, for somebody else, for something else, or for too long."""

import time
from typing import Any

from attacks.forge import GONE, challenge, offering, signed_in
from attacks.oracle import unharmed
from house.asks import error_of
from house.house import GATEWAY, House

from mcp_shared.tokens import CLOCK_SKEW_SECONDS, MAX_LIFETIME_SECONDS

HERE, NUMBERS = f"{GATEWAY}/mcp", f"{GATEWAY}/servers/numbers/mcp"
BACKEND = "http://numbers.internal/mcp"
ACCESS = "not an access token"
TEN_YEARS = 10 * 365 * 86_400


async def test_T08_a_token_for_nobody_in_particular_opens_nothing(home: House) -> None:
    async with offering(home) as offered:
        # what the issuer gives a client that asks for no audience
        for scope in ("openid", "profile email"):
            real = home.issuer.token("ana", scope)
            assert "aud" not in home.issuer.claims(real)
            await offered.refused(real, "audience")
        for audience in (
            GONE,
            None,
            "",
            [],
            [""],
            "account",
            ["account"],
            {},
            {"x": HERE},
            5,
            True,
        ):
            await offered.refused(offered.mint.token(aud=audience), "audience")
            await offered.refused(offered.mint.token(aud=audience), "audience", endpoint="numbers")


async def test_T09_a_token_of_another_server_opens_only_that_one(home: House) -> None:
    async with offering(home) as offered:
        mint = offered.mint
        for theirs, here in [("numbers", ""), ("", "numbers"), ("letters", "numbers")]:
            token = home.issuer.token("ana", f"aud:{theirs or 'mcp'}")
            await offered.refused(token, "audience", endpoint=here)
            await offered.admitted(token, theirs)
            await offered.refused(token, "audience", endpoint=here)  # known by now
        # what the gateway itself holds for a server is no way in, either
        exchanged = home.issuer.exchange(home.token("ana"), "numbers").json()["access_token"]
        for endpoint in ("", "numbers"):
            await offered.refused(exchanged, "audience", endpoint=endpoint)
        for audience in (
            BACKEND, [BACKEND], f"{HERE}/", f"{GATEWAY}/MCP", GATEWAY, f"{HERE}#x", f"{HERE}?x",
            HERE.replace("localhost", "127.0.0.1"), HERE.replace("http:", "https:"),
            "http://localhost/mcp", f" {HERE}", [HERE, NUMBERS], [HERE, BACKEND], [HERE, "account"],
            [HERE, HERE], [HERE, None], [HERE, 5], [[HERE]],
        ):  # fmt: skip
            await offered.refused(mint.token(aud=audience), "audience")
        for azp in (HERE, NUMBERS):  # made for the gateway as a client, and so not for a person
            await offered.refused(mint.token(azp=azp), "token of the gateway itself")
        await offered.admitted(mint.token(aud=[HERE]))


async def test_T11_only_the_exact_issuer_counts(home: House) -> None:
    async with offering(home) as offered:
        issuer = home.issuer.url
        for other in (
            issuer.replace("/mcp", "/master"), issuer.replace("/mcp", "/other"), f"{issuer}/",
            f"{issuer}/protocol", issuer.removesuffix("/realms/mcp"), issuer.upper(), f" {issuer}",
            issuer.replace("localhost", "127.0.0.1"), issuer.replace("http:", "https:"),
            "https://evil.example/realms/mcp", [issuer], [issuer, "x"], {issuer: 1}, [], {}, "", 5,
            True, None, GONE,
        ):  # fmt: skip
            await offered.refused(offered.mint.token(iss=other), "issuer")


async def test_T13_an_id_token_is_no_access_token(home: House) -> None:
    async with offering(home) as offered:
        mint = offered.mint
        answer = signed_in(home.issuer)
        assert home.issuer.claims(answer["id_token"])["aud"] == "mcp-dev-cli"
        await offered.refused(answer["id_token"], ACCESS)
        # also where its audience is this gateway, and where only its header tells
        for kind in ("ID", "id", "id_token", "bearer", "BEARER", "", None, 5, ["Bearer"]):
            await offered.refused(mint.token(typ=kind), ACCESS)
        for kind in (
            "id+jwt",
            "ID",
            "dpop+jwt",
            "JOSE",
            "JWS",
            "oauth-id-jag+jwt",
            "at+jwt ",
            "",
            5,
        ):
            await offered.refused(mint.token({"typ": kind}), "header type", "not a signed token")
        await offered.admitted(mint.token({"typ": "at+jwt"}))


async def test_T14_a_refresh_offline_or_logout_token_is_no_access_token(home: House) -> None:
    async with offering(home) as offered:
        mint = offered.mint
        answer = signed_in(home.issuer)
        await offered.refused(answer["refresh_token"], ACCESS)
        for kind in (
            "Refresh",
            "Offline",
            "Logout",
            "Initial",
            "RegistrationAccessToken",
            "Action",
        ):
            await offered.refused(mint.token(typ=kind), ACCESS)
        event: Any = {"http://schemas.openid.net/event/backchannel-logout": {}}
        logout = {"events": event, "typ": "Logout", "scope": GONE, "azp": GONE}
        await offered.refused(mint.token(**logout), ACCESS)
        await offered.refused(mint.token({"typ": "logout+jwt"}, events=event), "header type")


async def test_T15_an_expired_token_is_expired(home: House) -> None:
    assert CLOCK_SKEW_SECONDS <= 30
    async with offering(home) as offered:
        mint, now = offered.mint, int(time.time())
        for ago in (31, 300, 86_400):
            expired = mint.token(exp=now - ago, iat=now - ago - 300, jti=f"expired {ago}")
            await offered.refused(expired, "expired")
        # a token is forgotten with its time, also when it was let in a moment before
        nearly = mint.token(exp=now - CLOCK_SKEW_SECONDS + 1, iat=now - 300)
        await offered.admitted(nearly)
        while time.time() <= now + 1:  # until the clock says so
            await offered.admitted(mint.token())
        await offered.refused(nearly, "expired")
        await offered.refused(nearly, "expired")


async def test_T16_an_expiry_is_a_whole_number_of_seconds(home: House) -> None:
    async with offering(home) as offered:
        expires: Any
        for expires in (
            GONE, None, "9999999999", "", "soon", 9_999_999_999.5, True, [], [9_999_999_999], {},
            -1, 0, 2**53, 2**63, 2**64, -(2**63),
        ):  # fmt: skip
            await offered.refused(offered.mint.token(exp=expires), "exp missing or not a time")
        for spelling in ("1e999", "-1e999", "1e10", "NaN", "Infinity", "-Infinity", "9" * 5_000):
            await offered.refused(
                offered.mint.spelt(exp=spelling), "exp missing or not a time", "signature"
            )


async def test_T17_the_future_and_the_far_too_long_are_refused(home: House) -> None:
    assert MAX_LIFETIME_SECONDS <= 3600
    async with offering(home) as offered:
        mint, now, soon = offered.mint, int(time.time()), CLOCK_SKEW_SECONDS + 5
        too_long = "issued in the future or for too long"
        bent: Any
        for bent in (
            {"iat": now + soon, "exp": now + 300}, {"iat": now + 86_400, "exp": now + 86_700},
            {"exp": now + TEN_YEARS}, {"exp": now + MAX_LIFETIME_SECONDS + 60},
            {"iat": now - TEN_YEARS}, {"iat": 1},
        ):  # fmt: skip
            await offered.refused(mint.token(**bent), too_long)
        await offered.refused(mint.token(nbf=now + soon), "not valid yet")
        await offered.refused(mint.token(nbf=now + TEN_YEARS), "not valid yet")
        wrong: list[Any] = [str(now), now + 0.5, -1, True, None, [now]]
        for value in wrong:
            for name in ("iat", "nbf"):
                await offered.refused(mint.token(**{name: value}), f"{name} missing or not a time")
        await offered.refused(mint.token(iat=GONE), "iat missing or not a time")
        await offered.admitted(mint.token(nbf=now + CLOCK_SKEW_SECONDS - 5))


async def test_T30_a_scope_gives_only_what_it_says(home: House) -> None:
    """The audience alone is not enough: what a host asks its person for is the scope."""
    async with offering(home) as offered:
        spellings: list[Any] = [
            "tools:read", "openid profile email", "", GONE, None, 5, True, {"aud:mcp": True},
            ["aud:mcp"], "aud:mcp\u0000", "aud:mcp\u0000 x", "xaud:mcp", "aud:mcpx", "aud:mc",
            "AUD:MCP", "aud:numbers", "srv:numbers", "aud:*", "*", "admin\u0000", "aud:mcp,openid",
            "openid\taud:mcp", "openid\naud:mcp", "aud:mcp\u200b", "openid\u00a0aud:mcp", "aud:\uff4dcp",
        ]  # fmt: skip
        for scope in spellings:
            response = await offered.call(offered.mint.token(scope=scope))
            assert response.status_code == 403, scope
            # all that an operation here needs in one challenge, and not all there is
            said = response.headers.get_list("www-authenticate")
            assert said == [challenge("", "insufficient_scope")]
            assert error_of(response)["code"] == -31403
        for scope in ("aud:mcp", "openid aud:mcp", "aud:mcp profile"):
            await offered.admitted(offered.mint.token(scope=scope))
        # an endpoint asks for its own and no other
        wrong = offered.mint.token(aud=NUMBERS, scope="openid aud:mcp aud:letters")
        response = await offered.call(wrong, "numbers")
        assert response.headers["www-authenticate"] == challenge("numbers", "insufficient_scope")
    # and a scope is no right: what dee has no role for does not exist for her
    async with unharmed(home) as told:
        told.answer(await home.call("numbers_note_number", {"number": 1}, person="dee"))
