"""T24: a token after its end: revoked, signed out, or its person blocked. How long it still counts."""

from attacks.oracle import unharmed
from gateway.console.test_sign_in import at_the_issuer, come_back
from house.asks import GOOD, error_of, result_of, tool_error
from house.backends import Counted
from house.conftest import Opened
from house.house import House
from house.operator import Operator
from house.test_switches import operator

from mcp_shared.tokens import CLOCK_SKEW_SECONDS

ADD = GOOD["name"]
BOUND_SECONDS = 330  # how long a token that was only revoked at the issuer can still count here


__all__ = ["operator"]  # a fixture


async def at_the_console(home: House, person: str) -> int:
    begun = await home.http.get("/console/sign-in")
    answer = at_the_issuer(home.issuer, begun.headers["location"], person)
    return (await come_back(home.http, answer)).status_code


async def test_T24_a_revoked_token_is_refused_on_the_next_call_and_no_token_lives_long(
    home: House, operator: Operator
) -> None:
    # without anybody's doing: the life of a token and what two clocks may differ
    claims = home.issuer.claims(home.token("ana"))
    assert claims["exp"] - claims["iat"] + CLOCK_SKEW_SECONDS <= BOUND_SECONDS
    async with unharmed(home, upstream=3, records=5) as told:
        assert told.answer(await home.call(ADD, GOOD["arguments"])).status_code == 200
        assert told.answer(await home.call(ADD, GOOD["arguments"], person="dee")).status_code == 200
        # what `make revoke PERSON=ana` runs: the next call is refused, whatever it asks
        text = await operator("revoke", "--person", "Ana", "--reason", "lost laptop")
        assert "every token ana has had until now is refused" in text
        for response in (
            await home.call(ADD, GOOD["arguments"]), await home.legacy("tools/call", GOOD),
            await home.post("tools/list"), await home.post("resources/list"),
        ):  # fmt: skip
            told.answer(response)
            assert response.status_code == 401
            challenge = response.headers["www-authenticate"]
            assert 'error="invalid_token"' in challenge
            assert "resource_metadata=" in challenge
            assert "revoked" not in response.text
        refusals = await home.records(kind="refusal")
        assert [one["reason"] for one in refusals] == ["revoked"] * 2
        # others go on, and so does ana once she has signed in again
        assert told.answer(await home.call(ADD, GOOD["arguments"], person="dee")).status_code == 200
        home._tokens.clear()
    (event,) = await home.records(kind="event", reason="revoked")
    assert (event["detail"]["name"], event["detail"]["why"]) == ("ana", "lost laptop")


async def test_T24_a_person_whose_account_has_ended_is_out_with_every_token(
    home: House, operator: Operator
) -> None:
    async with unharmed(home, upstream=1, records=3) as told:
        assert told.answer(await home.call(ADD, GOOD["arguments"])).status_code == 200
        await operator("block", "--person", "ana")
        for _ in range(2):
            response = told.answer(await home.call(ADD, GOOD["arguments"]))
            assert (response.status_code, error_of(response)["code"]) == (403, -31403)
            home._tokens.clear()  # also with one from after the end
        await operator("unblock", "--person", "ana")  # and back: the good call at the end is ana's


async def test_T24_a_token_revoked_at_the_issuer_opens_no_server_it_had_not_opened_yet(
    server: Counted, opened: Opened
) -> None:
    """Sign-out and revocation there: the exchange is refused at once, cached tokens run out."""
    async with opened(server) as home, unharmed(home, upstream=1, records=2) as told:
        issuer, token = home.issuer, home.issuer.token("ana")
        said = {"authorization": f"Bearer {token}"}
        told.answer(await home.post("tools/list", headers=said))  # verified, and so known
        assert issuer.post("revoke", token=token, client_id="mcp-dev-cli").status_code == 200
        response = told.answer(await home.call(ADD, GOOD["arguments"], headers=said))
        assert tool_error(response)[1]["code"] == "exchange_refused"
        used = issuer.token("ana")
        said = {"authorization": f"Bearer {used}"}
        result_of(told.answer(await home.call(ADD, GOOD["arguments"], headers=said)))
        assert issuer.post("revoke", token=used, client_id="mcp-dev-cli").status_code == 200
        # a token of the server that was had before lasts no longer than the one it was made from
        assert home.gateway.edge is not None
        exchanged = home.gateway.edge.pipeline.steps.forward._exchange._tokens  # type: ignore[attr-defined]
        ends = [end for (digest, _, _), (end, _) in exchanged.items() if digest]
        assert ends
        assert max(ends) <= issuer.claims(used)["exp"]


async def test_T24_a_session_at_the_console_ends_with_its_person(
    home: House, operator: Operator
) -> None:
    """Its cookie is good for hours, and whoever holds it reads the record."""
    policy = "/console/policy"
    for way in ("block", "revoke"):
        assert await at_the_console(home, "olu") == 303
        assert (await home.http.get(policy)).status_code == 200
        await operator(way, "--person", "olu", "--reason", "stolen cookie")
        await home.call(ADD, GOOD["arguments"])  # anybody's: with it this replica has heard
        assert (await home.http.get(policy)).status_code == 303
        if way == "block":
            assert await at_the_console(home, "olu") == 403
            await operator("unblock", "--person", "olu")
            await home.call(ADD, GOOD["arguments"])
