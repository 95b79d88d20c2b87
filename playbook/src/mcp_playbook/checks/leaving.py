"""Who is gone at the issuer is gone here, within the time that is stated: what W3-13 does."""

import asyncio
import base64
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from mcp_local.governed import Call
from mcp_playbook.checks.check import Failed, NotYet
from mcp_playbook.checks.needs import kit_of, one_allowed
from mcp_playbook.deployment import Deployment, Kit
from mcp_playbook.leaver import (
    Leaver,
    NoAdministrationError,
    NoPasswordGrantError,
    SignedIn,
    administration,
)
from mcp_shared.tokens import CLOCK_SKEW_SECONDS

STATED_SECONDS = 330  # an access token's life, and the skew: infra/keycloak/realm.json
SLACK_SECONDS = 2.0  # a call under way
SWITCH_SECONDS = 60
WAIT = "WAIT"  # WAIT=1: see the old token end by itself, instead of make revoke


async def refused_after_leaving(at: Deployment) -> str:
    kit = kit_of(at)
    probe = one_allowed(at)[-1]
    environment = kit.gateway_env or {}
    issuer = environment.get("GATEWAY_ISSUER") or kit.issuer or ""
    keys = Path(environment["GATEWAY_KEYS"]) if environment.get("GATEWAY_KEYS") else None
    try:
        async with (
            administration(issuer, keys) as admin,
            admin.leaver(like=probe.person) as leaver,
        ):
            return await _leaves(at, kit, probe, leaver)
    except NoAdministrationError as missing:
        raise NotYet(
            f"disabling a person needs the issuer's administration API: {missing}",
            do="make up IDP=keycloak, then again. A Keycloak of yours: KEYCLOAK_ADMIN_USERNAME and "
            "KEYCLOAK_ADMIN_PASSWORD_FILE.",
        ) from missing
    except NoPasswordGrantError:
        raise NotYet(
            "nobody signs in there without a browser, as it should be in production",
            do="Try it in the realm you test with; in production disable a test account by hand, "
            "and note the time of its last answered call.",
        ) from None


async def _leaves(at: Deployment, kit: Kit, probe: Call, leaver: Leaver) -> str:
    endpoint = at.endpoint_of(probe)
    before = await leaver.sign_in(endpoint.scope)
    if before is None:
        raise Failed(f"{leaver.name} cannot sign in", do="make logs NAME=keycloak")
    reply = await at.call(probe, token=before.access)
    if not reply.works:
        raise Failed(f"{leaver.name} calling {probe.tool}: {reply.brief()}", do="See W1-07.")
    await leaver.leave()
    gone = time.time()
    await _shut_out(leaver, before, endpoint.scope)
    life, ends = _life(before.access)
    bound = life + CLOCK_SKEW_SECONDS
    if bound > STATED_SECONDS:
        raise Failed(
            f"a token lives {life:.0f} s: whoever leaves calls on for up to {bound:.0f} s",
            do=f"accessTokenLifespan {STATED_SECONDS - CLOCK_SKEW_SECONDS} in realm.json, then "
            "make realm.",
        )
    told = f"{leaver.name}, disabled, was refused sign-in and refresh at once"
    if os.environ.get(WAIT):
        seconds = await _ended(at, probe, before.access, ends + CLOCK_SKEW_SECONDS) - gone
        return f"{told}; their token was refused {seconds:.0f} s later, of {bound:.0f} s stated"
    await _revoked(at, kit, probe, leaver, before.access)
    return f"{told}, their token with the first call after make revoke; without it by {bound:.0f} s"


async def _shut_out(leaver: Leaver, before: SignedIn, scope: str) -> None:
    if await leaver.sign_in(scope) is not None:
        raise Failed(
            "a disabled person signed in", do="Does the issuer that signs people in know of it?"
        )
    if await leaver.refresh(before) is not None:
        raise Failed(
            "a disabled person's refresh token gave a token",
            do="Offline sessions outlive people: realm.json gives nobody offline_access.",
        )


async def _revoked(at: Deployment, kit: Kit, probe: Call, leaver: Leaver, token: str) -> None:
    if kit.gateway_env is None:
        raise NotYet(
            "make revoke cannot be run from here, and nobody waited for the token's end",
            do="WAIT=1 waits; or run the check where the gateway runs.",
        )
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "mcp_gateway.switches", "revoke", "--person", leaver.name,
         "--reason", "playbook check W3-13"],
        env=dict(kit.gateway_env), cwd=kit.root, check=False, capture_output=True, text=True,
        timeout=SWITCH_SECONDS,
    )  # fmt: skip
    if done.returncode != 0:
        raise Failed(f"make revoke: {done.stderr.strip()[-200:]}", do="make doctor")
    reply = await at.call(probe, token=token)
    if reply.status != 401:
        raise Failed(
            f"the token of a person who left was answered {reply.brief()} after make revoke",
            do="make blocks; is every replica reading Valkey and the table?",
        )


async def _ended(at: Deployment, probe: Call, token: str, latest: float) -> float:
    """When the old token was refused; it has until `latest`."""
    while True:
        reply = await at.call(probe, token=token)
        now = time.time()
        if reply.status == 401:
            return now
        if now > latest + SLACK_SECONDS:
            raise Failed(
                f"the token of a person who left was answered {reply.brief()}, "
                f"{now - latest:.0f} s after its end",
                do="Check exp of every token; do the clocks agree? make doctor",
            )
        await asyncio.sleep(min(1.0, max(latest - now, 0.1)))


def _life(token: str) -> tuple[float, float]:
    """How long it lives, and when it ends: read, not believed."""
    body = token.split(".")[1]
    said: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return float(said["exp"]) - float(said["iat"]), float(said["exp"])
