"""W3-13 where it can be seen: the whole stack with a real Keycloak, and people who leave."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from identity import real_keycloak
from keycloak import KeycloakAdmin
from playbook.live.meddler import Answered, Asked, Forward, seen_through, wrong
from playbook.live.verdicts import fails, passes, waits

from mcp_local.load import Stack
from mcp_local.place import Place
from mcp_local.stack import place_for_test, started
from mcp_playbook import source
from mcp_playbook.checks import week_3_identity as week
from mcp_playbook.deployment import Deployment

ROOT = Path(__file__).parents[3]
START_SECONDS = 420  # Keycloak on a machine that does much else
SHORT = 5  # seconds of an access token's life, in the realm of one test


@pytest.fixture(scope="module")
def kept(run_folder: Path) -> Iterator[Stack]:
    real_keycloak.required()
    made = place_for_test(run_folder / "leaving", ROOT)
    here = Place(**{**vars(made), "idp": "keycloak"})
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
        stack = Stack(here)
        with started(stack, START_SECONDS):
            yield stack


@pytest.fixture
def here(kept: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    monkeypatch.setenv(source.EVIDENCE, str(tmp_path / "evidence"))
    return source.of_stack(kept)


@pytest.fixture
def admin(kept: Stack) -> KeycloakAdmin:
    return KeycloakAdmin(
        server_url=f"{kept.here.issuer_base}/",
        username="admin",
        password=(kept.here.secrets / "keycloak-admin").read_text().strip(),
        realm_name="mcp",
        user_realm_name="master",
    )


async def test_W3_13_passes_where_a_leaver_is_refused(
    here: Deployment, admin: KeycloakAdmin
) -> None:
    before = {user["username"] for user in admin.get_users()}
    found = await passes(week.removed, here)
    assert "refused sign-in and refresh at once" in found.evidence
    assert "without it by 330 s" in found.evidence
    assert {user["username"] for user in admin.get_users()} == before


async def test_W3_13_passes_and_measures_where_somebody_waits(
    here: Deployment, admin: KeycloakAdmin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bound by the clock: a token of five seconds, and the skew of thirty."""
    monkeypatch.setenv("WAIT", "1")
    admin.update_realm("mcp", {"accessTokenLifespan": SHORT})
    try:
        found = await passes(week.removed, here)
    finally:
        admin.update_realm("mcp", {"accessTokenLifespan": 300})
    seen = re.search(r"refused (\d+) s later, of 35 s stated", found.evidence)
    assert seen, found.evidence
    assert int(seen[1]) <= SHORT + 30 + 2


async def test_W3_13_fails_where_tokens_live_too_long(
    here: Deployment, admin: KeycloakAdmin
) -> None:
    admin.update_realm("mcp", {"accessTokenLifespan": 3600})
    try:
        await fails(week.removed, here, "a token lives 3600 s", "up to 3630 s")
    finally:
        admin.update_realm("mcp", {"accessTokenLifespan": 300})


async def test_W3_13_fails_where_the_old_token_still_opens(here: Deployment) -> None:
    """A gateway that hears of nothing: whoever was let in once is let in for ever."""
    known: dict[str, Answered] = {}

    async def forgetful(asked: Asked, forward: Forward) -> Answered:
        answer = await forward(asked)
        if answer.status == 200 and asked.token:
            known[asked.token] = answer
        return known.get(asked.token, answer)

    async with wrong(here.origin, forgetful) as address:
        broken = seen_through(here, address)
        await fails(week.removed, broken, "after make revoke")


async def test_W3_13_waits_where_nobody_is_named_who_administers(
    here: Deployment, kept: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEYCLOAK_ADMIN_PASSWORD", "not the one")
    await waits(week.removed, here, "does not let admin in")
    monkeypatch.delenv("KEYCLOAK_ADMIN_PASSWORD")
    monkeypatch.setenv("KEYCLOAK_ADMIN_PASSWORD_FILE", os.devnull)
    await waits(week.removed, here, "nobody is named")
