"""A realm file in Keycloak's export format, reduced to what this issuer honours.

Pure: text and environment in, frozen values out. What it cannot honour it names.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

PLACEHOLDER = re.compile(r"\$\{([A-Z][A-Z0-9_]*)(?::([^}]*))?\}")


class RealmError(ValueError):
    """The file and a key that cannot be used."""


@dataclass(frozen=True)
class Mapper:
    name: str
    kind: str
    config: Mapping[str, str]

    def goes_to(self, token: str) -> bool:
        return self.config.get(f"{token}.token.claim") == "true"


@dataclass(frozen=True)
class Scope:
    name: str
    mappers: tuple[Mapper, ...]
    in_token: bool
    advertised: bool
    consent: str | None
    roles: frozenset[str]  # role scope mappings: who may have it, and what it lets through


@dataclass(frozen=True)
class Client:
    client_id: str
    name: str
    public: bool
    standard_flow: bool
    password_grant: bool
    service_account: bool
    consent: bool
    full_scope: bool
    redirect_uris: tuple[str, ...]
    mappers: tuple[Mapper, ...]
    default_scopes: tuple[str, ...]
    optional_scopes: tuple[str, ...]
    roles: frozenset[str]
    attributes: Mapping[str, str]

    @property
    def exchanges(self) -> bool:
        return self.attributes.get("standard.token.exchange.enabled") == "true"


@dataclass(frozen=True)
class User:
    id: str
    username: str
    first_name: str
    last_name: str
    email: str
    email_verified: bool
    password: str | None
    groups: tuple[str, ...]
    roles: frozenset[str]

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


@dataclass(frozen=True)
class Lifetimes:
    """Seconds."""

    access_token: int
    code: int
    login: int
    session_idle: int
    session_max: int


@dataclass(frozen=True)
class Lockout:
    """`failures` wrong passwords, each within `forget` of the last, close an account for `wait`."""

    failures: int
    wait: int
    forget: int


@dataclass(frozen=True)
class Realm:
    name: str
    title: str
    lifetimes: Lifetimes
    lockout: Lockout | None
    clients: Mapping[str, Client]
    scopes: Mapping[str, Scope]
    users: Mapping[str, User]


def parse(text: str, environment: Mapping[str, str]) -> Realm:
    given = _filled(json.loads(text), environment)
    mapped = _role_mappings(given)
    try:
        scopes = [_scope(raw, mapped) for raw in given["clientScopes"]]
        clients = [_client(raw, mapped) for raw in given["clients"] if raw.get("enabled", True)]
        groups = {raw["path"]: raw for raw in given.get("groups", [])}
        users = [_user(raw, groups) for raw in given.get("users", []) if raw.get("enabled", True)]
        return Realm(
            name=given["realm"],
            title=given.get("displayName", given["realm"]),
            lifetimes=Lifetimes(
                access_token=given.get("accessTokenLifespan", 300),
                code=given.get("accessCodeLifespan", 60),
                login=given.get("accessCodeLifespanLogin", 1800),
                session_idle=given.get("ssoSessionIdleTimeout", 1800),
                session_max=given.get("ssoSessionMaxLifespan", 36000),
            ),
            lockout=Lockout(
                failures=given.get("failureFactor", 30),
                wait=given.get("waitIncrementSeconds", 60),
                forget=given.get("maxDeltaTimeSeconds", 43200),
            )
            if given.get("bruteForceProtected")
            else None,
            clients={client.client_id: client for client in clients},
            scopes={scope.name: scope for scope in scopes},
            users={user.username: user for user in users},
        )
    except KeyError as missing:
        raise RealmError(f"missing in the realm file: {missing}") from missing


def _filled(value: Any, environment: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return PLACEHOLDER.sub(lambda found: _value(found, environment), value)
    if isinstance(value, list):
        return [_filled(item, environment) for item in value]
    if isinstance(value, dict):
        return {key: _filled(item, environment) for key, item in value.items()}
    return value


def _value(found: re.Match[str], environment: Mapping[str, str]) -> str:
    value = environment.get(found[1], found[2])
    if not value:
        raise RealmError(f"the realm file needs the environment variable {found[1]}")
    return value


def _role_mappings(given: Mapping[str, Any]) -> Mapping[tuple[str, str], frozenset[str]]:
    return {
        (kind, entry[kind]): frozenset(entry["roles"])
        for entry in given.get("scopeMappings", [])
        for kind in ("client", "clientScope")
        if kind in entry
    }


def _scope(raw: Mapping[str, Any], mapped: Mapping[tuple[str, str], frozenset[str]]) -> Scope:
    attributes = raw.get("attributes", {})
    shown = attributes.get("display.on.consent.screen") == "true"
    return Scope(
        name=raw["name"],
        mappers=_mappers(raw.get("protocolMappers", [])),
        in_token=attributes.get("include.in.token.scope", "true") == "true",
        advertised=attributes.get("include.in.openid.provider.metadata", "true") == "true",
        consent=attributes.get("consent.screen.text", raw["name"]) if shown else None,
        roles=mapped.get(("clientScope", raw["name"]), frozenset()),
    )


def _client(raw: Mapping[str, Any], mapped: Mapping[tuple[str, str], frozenset[str]]) -> Client:
    return Client(
        client_id=raw["clientId"],
        name=raw.get("name", raw["clientId"]),
        public=raw.get("publicClient", False),
        standard_flow=raw.get("standardFlowEnabled", True),
        password_grant=raw.get("directAccessGrantsEnabled", False),
        service_account=raw.get("serviceAccountsEnabled", False),
        consent=raw.get("consentRequired", False),
        full_scope=raw.get("fullScopeAllowed", True),
        redirect_uris=tuple(raw.get("redirectUris", [])),
        mappers=_mappers(raw.get("protocolMappers", [])),
        default_scopes=tuple(raw.get("defaultClientScopes", [])),
        optional_scopes=tuple(raw.get("optionalClientScopes", [])),
        roles=mapped.get(("client", raw["clientId"]), frozenset()),
        attributes=raw.get("attributes", {}),
    )


def _mappers(raw: Iterable[Mapping[str, Any]]) -> tuple[Mapper, ...]:
    return tuple(Mapper(m["name"], m["protocolMapper"], m.get("config", {})) for m in raw)


def _user(raw: Mapping[str, Any], groups: Mapping[str, Mapping[str, Any]]) -> User:
    joined = [groups[path] for path in raw.get("groups", [])]
    passwords = [c["value"] for c in raw.get("credentials", []) if c.get("type") == "password"]
    return User(
        id=raw["id"],
        username=raw["username"].lower(),
        first_name=raw.get("firstName", ""),
        last_name=raw.get("lastName", ""),
        email=raw.get("email", ""),
        email_verified=raw.get("emailVerified", False),
        password=passwords[0] if passwords else None,
        groups=tuple(group["name"] for group in joined),
        roles=frozenset(raw.get("realmRoles", [])).union(
            *(group.get("realmRoles", []) for group in joined)
        ),
    )
