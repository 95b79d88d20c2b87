"""What a token says: scopes, audiences and claims as Keycloak's mappers would make them.

Pure: no clock, no keys, no state.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox_idp.realm import Client, Mapper, Realm, Scope, User

ATTRIBUTES = {
    "username": lambda user: user.username,
    "firstName": lambda user: user.first_name,
    "lastName": lambda user: user.last_name,
    "email": lambda user: user.email,
    "emailVerified": lambda user: user.email_verified,
}


class ScopeError(ValueError):
    """A scope that this client may not ask for."""


class TargetError(ValueError):
    """A `resource` that is not in the audience which the scopes give."""


@dataclass(frozen=True)
class Granted:
    """The scopes of one token, for one client and one person."""

    client: Client
    scopes: tuple[Scope, ...]
    openid: bool

    @property
    def text(self) -> str:
        named = [scope.name for scope in self.scopes if scope.in_token]
        return " ".join((["openid"] if self.openid else []) + named)

    @property
    def mappers(self) -> tuple[Mapper, ...]:
        return self.client.mappers + tuple(m for scope in self.scopes for m in scope.mappers)

    @property
    def consents(self) -> tuple[str, ...]:
        return tuple(scope.consent for scope in self.scopes if scope.consent)

    def roles(self, user: User) -> list[str]:
        if self.client.full_scope:
            return sorted(user.roles)
        allowed = self.client.roles.union(*(scope.roles for scope in self.scopes))
        return sorted(user.roles & allowed)


def grant(realm: Realm, client: Client, requested: str | None, user: User | None) -> Granted:
    """Default scopes, and those optional ones that were asked for."""
    asked = set((requested or "").split())
    allowed = {*client.default_scopes, *client.optional_scopes, "openid"}
    if refused := asked - allowed:
        raise ScopeError(f"Invalid scopes: {' '.join(sorted(refused))}")
    names = [*client.default_scopes, *(s for s in client.optional_scopes if s in asked)]
    scopes = tuple(realm.scopes[name] for name in names if name in realm.scopes)
    if user is not None:
        # a scope with role mappings is for people who have one of the roles
        scopes = tuple(s for s in scopes if not s.roles or s.roles & user.roles)
    return Granted(client, scopes, "openid" in asked)


def audience(granted: Granted) -> list[str]:
    """Clients that the audience mappers name, each once, in order."""
    found = (
        mapper.config["included.client.audience"]
        for mapper in granted.mappers
        if mapper.kind == "oidc-audience-mapper" and mapper.goes_to("access")
    )
    return list(dict.fromkeys(found))


def narrowed(realm: Realm, audiences: Sequence[str], resource: str | None) -> list[str]:
    """RFC 8707 as Keycloak has it: `resource` picks from the audience and never adds to it."""
    if resource is None:
        return list(audiences)
    clients = (realm.clients.get(client_id) for client_id in audiences)
    if resource in {
        c.attributes["resource_url"] for c in clients if c and "resource_url" in c.attributes
    }:
        return [resource]
    raise TargetError("The requested resource is not in the audience of this token")


def claims(granted: Granted, user: User, token: str, *, signed_in: int | None) -> dict[str, Any]:
    """What the mappers say in a token of this kind: access, id, userinfo or introspection."""
    made: dict[str, Any] = {}
    for mapper in granted.mappers:
        if not mapper.goes_to(token):
            continue
        read = KINDS.get(mapper.kind)
        value = read(mapper, granted, user, signed_in) if read else None
        if value is not None:
            _set(made, mapper.config.get("claim.name", mapper.name), value)
    return made


def concerned(said: Mapping[str, Any]) -> set[str]:
    """The clients a token is about: those it is meant for and the one it was issued to."""
    audience = said.get("aud", [])
    return {said["azp"], *([audience] if isinstance(audience, str) else audience)}


def unknown_mappers(realm: Realm) -> list[str]:
    """Mappers of the realm file that this issuer cannot honour."""
    owners: Iterable[Scope | Client] = (*realm.scopes.values(), *realm.clients.values())
    return sorted({m.kind for owner in owners for m in owner.mappers} - set(KINDS))


def _attribute(mapper: Mapper, _: Granted, user: User, __: int | None) -> Any:
    read = ATTRIBUTES.get(mapper.config["user.attribute"])
    return None if read is None or read(user) == "" else read(user)


def _groups(mapper: Mapper, _: Granted, user: User, __: int | None) -> list[str]:
    path = "/" if mapper.config.get("full.path") == "true" else ""
    return [path + group for group in user.groups]


def _note(mapper: Mapper, _: Granted, __: User, signed_in: int | None) -> int | None:
    return signed_in if mapper.config["user.session.note"] == "AUTH_TIME" else None


KINDS: Mapping[str, Callable[[Mapper, Granted, User, int | None], Any]] = {
    "oidc-sub-mapper": lambda _, __, user, ___: user.id,
    "oidc-full-name-mapper": lambda _, __, user, ___: user.name or None,
    "oidc-usermodel-attribute-mapper": _attribute,
    "oidc-usermodel-property-mapper": _attribute,
    "oidc-usermodel-realm-role-mapper": lambda _, granted, user, __: granted.roles(user) or None,
    "oidc-group-membership-mapper": _groups,
    "oidc-usersessionmodel-note-mapper": _note,
    "oidc-audience-mapper": lambda _, __, ___, ____: None,  # see `audience`
    # Keycloak's own, which say nothing in a realm without client roles
    "oidc-usermodel-client-role-mapper": lambda _, __, ___, ____: None,
    "oidc-audience-resolve-mapper": lambda _, __, ___, ____: None,
    "oidc-acr-mapper": lambda _, __, ___, ____: None,
    "oidc-allowed-origins-mapper": lambda _, __, ___, ____: None,
}


def _set(made: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for parent in parents:
        made = made.setdefault(parent, {})
    made[last] = value
