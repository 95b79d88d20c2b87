"""People and applications of a tenant shaped like Entra ID's, and what an ID token says of them."""

import base64
import hashlib
import secrets
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

TENANT = "7c0f6c2e-52a1-4b9e-9d0a-1f2e3d4c5b6a"
MOST_GROUPS = 200  # in a JWT; beyond, the claim is a link


@dataclass
class Person:
    """`email` is whatever somebody typed: Entra ID verifies none that it did not assign."""

    upn: str
    given: str
    family: str
    email: str | None = None
    groups: list[str] = field(default_factory=list)
    app_roles: list[str] = field(default_factory=list)
    enabled: bool = True
    oid: str = field(default_factory=lambda: str(uuid.uuid4()))
    password: str = field(default_factory=lambda: secrets.token_urlsafe(9))


@dataclass
class Application:
    """An app registration."""

    redirect_uri: str
    # "groups assigned to the application" counts only those; None is all security groups
    assigned: frozenset[str] | None = None
    after_logout: str = ""
    client_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(24))


def claims(issuer: str, application: Application, person: Person) -> dict[str, Any]:
    now = int(time.time())
    said = {
        "aud": application.client_id,
        "iss": issuer,
        "iat": now,
        "nbf": now,
        "exp": now + 3600,
        "name": f"{person.given} {person.family}",
        "given_name": person.given,
        "family_name": person.family,
        "email": person.email,
        "preferred_username": person.upn,
        "oid": person.oid,
        "sub": pairwise(application.client_id, person.oid),
        "tid": TENANT,
        "uti": secrets.token_urlsafe(16),
        "ver": "2.0",
        "roles": person.app_roles or None,
        **_groups(application, person),
    }
    return {name: value for name, value in said.items() if value is not None}


def _groups(application: Application, person: Person) -> dict[str, Any]:
    assigned = application.assigned
    told = [one for one in person.groups if assigned is None or one in assigned]
    if len(told) <= MOST_GROUPS:
        return {"groups": told} if told else {}
    at = f"https://graph.microsoft.com/v1.0/users/{person.oid}/getMemberObjects"
    return {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": at}}}


def pairwise(client_id: str, oid: str) -> str:
    digest = hashlib.sha256(f"{TENANT} {client_id} {oid}".encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
