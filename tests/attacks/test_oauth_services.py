"""O16: a client of its own, with no person behind it, that would like to be one."""

import json
from typing import Any

from attacks.forge import GONE, Mint, challenge
from attacks.oracle import unharmed
from house.asks import GOOD, error_of, result_of
from house.backends import Counted
from house.conftest import Opened
from house.house import House
from house.test_services import NOTE, issuer, key_file, service, with_services

__all__ = ["issuer", "key_file", "service"]  # fixtures

ITSELF = "service-account-nightly"
FORGED = {
    "x-user": "ana", "x-forwarded-user": "ana", "x-forwarded-preferred-username": "ana",
    "x-remote-user": "ana", "x-auth-request-user": "ana", "x-forwarded-email": "ana@larkfield.example",
    "x-roles": "analyst,sales", "x-forwarded-groups": "analyst", "x-on-behalf-of": "ana", "from": "ana",
    "x-ms-client-principal-name": "ana", "cookie": "user=ana",
}  # fmt: skip


async def test_O16_a_service_acts_for_nobody_whatever_it_says(
    server: Counted, opened: Opened, service: Any
) -> None:
    async with opened(server) as home:
        await with_services(home)
        async with unharmed(home, records=4, upstream=2) as told:
            claimed = {
                "user": "ana", "sub": home.token("ana"), "roles": ["analyst", "sales"],
                "io.modelcontextprotocol/user": "ana", "onBehalfOf": "ana", "act": {"sub": "ana"},
            }  # fmt: skip
            params: dict[str, Any] = {**GOOD, "_meta": claimed}
            for headers in (service(), {**service(), **FORGED}):
                answer = told.answer(await home.post("tools/call", params, headers=headers))
                assert result_of(answer)["structuredContent"]["who"] == ITSELF
            # ana may write, and the service may not
            params = {"name": "numbers_note_number", "arguments": NOTE, "_meta": claimed}
            for headers in (service(), {**service(), **FORGED}):
                refused = told.answer(await home.post("tools/call", params, headers=headers))
                assert error_of(refused)["message"] == "Unknown tool"
            assert_recorded_as_itself(await home.records(agent="nightly"))
            for sent, body in server.seen:
                assert not set(FORGED) & set(sent) - {"from"}
                assert b'"user"' not in body
                assert b'"act"' not in body
        await _forged_claims(home, service)


def assert_recorded_as_itself(records: list[dict[str, Any]]) -> None:
    """The claims that anybody can write are on the record as nothing."""
    assert len(records) == 6
    for record in records:
        assert (record["person"], record["service"]) == (ITSELF, True)
        assert set(record["roles"]) <= {"analyst"}
        assert '"ana"' not in json.dumps(record)


async def _forged_claims(home: House, service: Any) -> None:
    """Inside a token, too: a service's is not a person's, and says so or opens nothing."""
    mint = Mint(home.issuer)
    token = str(service()["authorization"]).removeprefix("Bearer ")
    mint.claims = {**home.issuer.claims(token), "jti": "forged"}
    async with unharmed(home, records=2, upstream=2) as told:
        for bent in (
            {"act": {"sub": "ana"}},
            {"may_act": {"sub": "ana"}, "user": "ana", "roles": ["sales"]},
        ):
            said = {"authorization": f"Bearer {mint.token(**bent)}"}
            answer = told.answer(await home.call(**GOOD_CALL, headers=said))
            assert result_of(answer)["structuredContent"]["who"] == ITSELF
    async with unharmed(home, records=0) as told:
        for name in (GONE, None, "", 5, ["ana"], "service-account-other", "service-account-"):
            said = {"authorization": f"Bearer {mint.token(preferred_username=name, jti=str(name))}"}
            answer = told.answer(await home.call(**GOOD_CALL, headers=said))
            assert answer.status_code == 401, name
            assert answer.headers["www-authenticate"] == challenge("", "invalid_token")


GOOD_CALL: dict[str, Any] = {"tool": GOOD["name"], "arguments": GOOD["arguments"]}
