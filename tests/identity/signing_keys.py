"""An issuer's signing keys replaced, by what each of the two has for it."""

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import httpx2
from keycloak import KeycloakAdmin
from people import Issuer

from mcp_realm import admin as door

PROVIDER = "org.keycloak.keys.KeyProvider"
SECONDS = 10


def published(issuer: Issuer) -> set[str]:
    keys = httpx2.get(issuer.jwks_url).json()["keys"]
    return {key["kid"] for key in keys if key["use"] == "sig"}


def administration(issuer: Issuer) -> KeycloakAdmin:
    origin, _, realm = issuer.url.partition("/realms/")
    return door.signed_in(origin, realm, door.Login("admin", issuer.admin_password or ""))


def replace(issuer: Issuer) -> None:
    """Another key signs from here on; the one before stays published."""
    _until_changed(issuer, _hang_up if issuer.admin_password is None else _add)


def withdraw(issuer: Issuer) -> None:
    """The key before is published no more."""
    _until_changed(issuer, _hang_up if issuer.admin_password is None else _remove_older)


def _until_changed(issuer: Issuer, act: Callable[[Issuer], None]) -> None:
    before = published(issuer)
    act(issuer)
    deadline = time.monotonic() + SECONDS
    while published(issuer) == before:
        assert time.monotonic() < deadline, "the keys are what they were"
        time.sleep(0.05)


def _hang_up(issuer: Issuer) -> None:
    """The development issuer keeps one key besides the newest."""
    assert issuer.pid
    os.kill(issuer.pid, signal.SIGHUP)


def _add(issuer: Issuer) -> None:
    admin = administration(issuer)
    highest = max(map(_priority, _rsa_keys(admin)))
    said = {
        "priority": [str(highest + 1)],  # the highest one signs; of two equal ones, either
        "enabled": ["true"],
        "active": ["true"],
        "algorithm": ["RS256"],
        "keySize": ["2048"],
    }
    admin.create_component(
        {
            "name": "rs256-rotated",
            "providerId": "rsa-generated",
            "providerType": PROVIDER,
            "parentId": admin.get_realm(issuer.url.rpartition("/")[2])["id"],
            "config": said,
        }
    )


def _remove_older(issuer: Issuer) -> None:
    admin = administration(issuer)
    keys = sorted(_rsa_keys(admin), key=_priority)
    for one in keys[:-1]:
        admin.delete_component(one["id"])


def _rsa_keys(admin: KeycloakAdmin) -> list[dict[str, Any]]:
    return [
        one
        for one in admin.get_components({"type": PROVIDER})
        if one["providerId"] == "rsa-generated"
    ]


def _priority(key: dict[str, Any]) -> int:
    return int(key["config"].get("priority", ["0"])[0])
