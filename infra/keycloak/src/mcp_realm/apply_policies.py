"""Client profiles and policies: each list is put whole, so what others put there is sent again."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from keycloak import KeycloakAdmin
from keycloak.exceptions import KeycloakPutError

from mcp_realm.apply_found import policies
from mcp_realm.compare import Change

Named = dict[str, Mapping[str, Any]]


def put(admin: KeycloakAdmin, realm: str, changes: Sequence[Change]) -> None:
    """Profiles, then the policies that name them, then profiles that no policy names any more.

    Raises:
        KeycloakPutError: refused.

    """
    ours = [change for change in changes if change.kind in ("profile", "policy")]
    if not ours:
        return
    gone = {change.name for change in ours if change.kind == "profile" and change.sign == "-"}
    profiles = _with(policies(admin, realm, "profiles"), ours, "profile")
    _put(admin, realm, "profiles", profiles)
    if any(change.kind == "policy" for change in ours):
        found = policies(admin, realm, "policies")
        dropped = {c.name for c in ours if c.kind == "policy" and c.sign == "-"}
        kept = {k: v for k, v in _with(found, ours, "policy").items() if k not in dropped}
        _put(admin, realm, "policies", kept)
    if gone:
        _put(admin, realm, "profiles", {k: v for k, v in profiles.items() if k not in gone})


def _with(found: list[dict[str, Any]], changes: Sequence[Change], kind: str) -> Named:
    named: Named = {one["name"]: one for one in found}
    return named | {c.name: c.wanted for c in changes if c.kind == kind and c.sign != "-"}


def _put(admin: KeycloakAdmin, realm: str, what: str, named: Named) -> None:
    path = f"admin/realms/{quote(realm, safe='')}/client-policies/{what}"
    answer = admin.connection.raw_put(path, data=json.dumps({what: list(named.values())}))
    if answer.status_code not in (200, 204):
        raise KeycloakPutError(
            f"client {what}: {answer.status_code}", answer.status_code, answer.content
        )
