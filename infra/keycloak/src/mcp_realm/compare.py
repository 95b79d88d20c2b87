"""What a realm should be beside what it was found to be. Pure: it decides, others carry out.

Only what the wanted realm names is compared; a thing of which nobody speaks is foreign, and stays.
What is marked as made here and no longer wanted is a leftover: listed, removed only when told to.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mcp_gateway.realm.keycloak import ADOPTED, MADE, MARK
from mcp_realm import compare_facts as facts
from mcp_realm.compare_facts import Fact, Facts

Sign = Literal["+", "~", "-"]
Kind = Literal[
    "settings", "profile", "policy", "registration", "role", "group", "scope", "scope roles",
    "client", "default scopes",
]  # fmt: skip
Things = Mapping[str, Mapping[str, Any]]

# in the order in which one needs the other
KINDS: tuple[Kind, ...] = (
    "settings", "profile", "policy", "registration", "role", "group", "scope", "scope roles",
    "client", "default scopes",
)  # fmt: skip
FACTS: dict[Kind, Callable[[Any], Facts]] = {
    "settings": facts.of_settings,
    "profile": facts.of_policy,
    "policy": facts.of_policy,
    "registration": facts.of_component,
    "role": facts.of_role,
    "group": facts.of_group,
    "scope": facts.of_scope,
    "scope roles": lambda thing: facts.of_roles_behind(thing["roles"]),
    "client": facts.of_client,
    "default scopes": lambda thing: {"names": tuple(sorted(thing["names"]))},
}
MARKED: frozenset[Kind] = frozenset({"role", "group", "scope", "client"})
OURS = "mcp-"  # how profiles and policies begin that come and go with a setting; they hold no mark
# Keycloak's own, in every realm: neither ours nor anybody's
BUILT_IN: dict[Kind, frozenset[str]] = {
    "client": frozenset(
        {
            "account", "account-console", "admin-cli", "broker", "realm-management",
            "security-admin-console", "master-realm",
        }
    ),
    "role": frozenset({"offline_access", "uma_authorization"}),
    "scope": frozenset(
        {
            "AuthnContextClassRef", "acr", "address", "basic", "email", "microprofile-jwt",
            "offline_access", "organization", "phone", "profile", "role_list", "roles",
            "saml_organization", "service_account", "web-origins",
        }
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Realm:
    """A realm by kind and name; `things[kind][name]` is in Keycloak's export format."""

    name: str
    things: Mapping[Kind, Things]
    exists: bool = True

    def of(self, kind: Kind) -> Things:
        return self.things.get(kind, {})


@dataclass(frozen=True)
class Difference:
    field: str
    before: Fact | None
    after: Fact | None


@dataclass(frozen=True)
class Change:
    sign: Sign
    kind: Kind
    name: str
    fields: tuple[Difference, ...] = ()
    wanted: Mapping[str, Any] = field(default_factory=dict)
    found: Mapping[str, Any] = field(default_factory=dict)

    def touches(self, beginning: str) -> bool:
        return any(one.field.startswith(beginning) for one in self.fields)


@dataclass(frozen=True)
class Comparison:
    """`changes` are made, `leftovers` only when told to, `foreign` never."""

    changes: tuple[Change, ...]
    leftovers: tuple[Change, ...]
    foreign: tuple[tuple[str, str], ...]

    @property
    def same(self) -> bool:
        return not self.changes


def compare(wanted: Realm, found: Realm) -> Comparison:
    changes: list[Change] = []
    leftovers: list[Change] = []
    foreign: list[tuple[str, str]] = []
    for kind in KINDS:
        have = _ours(wanted, found) if kind == "default scopes" else found.of(kind)
        for name, thing in wanted.of(kind).items():
            if name not in have:
                changes.append(_new(kind, name, thing))
                continue
            kept = _adopting(kind, thing, have[name])
            if differences := _differences(kind, kept, have[name]):
                changes.append(Change("~", kind, name, differences, kept, have[name]))
            foreign += _foreign_mappers(kind, name, thing, have[name])
        for name in sorted(have.keys() - wanted.of(kind).keys()):
            gone = Change("-", kind, name, found=have[name])
            if kind in ("profile", "policy") and name.startswith(OURS):
                changes.append(gone)  # a setting that was turned off, not a thing to keep
            elif mark(kind, have[name]) == MADE:
                leftovers.append(gone)
            elif not _built_in(kind, name, found.name):
                foreign.append((kind, name))
    return Comparison(tuple(changes), tuple(leftovers), tuple(sorted(foreign)))


def _ours(wanted: Realm, found: Realm) -> Things:
    """Which scopes new clients get, of those that the wanted realm speaks of; others are left."""
    spoken = wanted.of("scope").keys() | {
        name for name, scope in found.of("scope").items() if mark("scope", scope) == MADE
    }
    return {
        kind: {"names": [name for name in thing["names"] if name in spoken]}
        for kind, thing in found.of("default scopes").items()
    }


def mark(kind: Kind, thing: Mapping[str, Any]) -> str | None:
    """Made here, adopted (there before, changed here), or None: somebody else's."""
    if kind not in MARKED:
        return None
    said = (thing.get("attributes") or {}).get(MARK)
    return str(said[0]) if isinstance(said, list) and said else said or None


def _adopting(kind: Kind, wanted: Mapping[str, Any], found: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same, with the mark the found one keeps or gets: what was there before is not ours."""
    if kind not in MARKED:
        return wanted
    kept = mark(kind, found) or ADOPTED
    told: object = [kept] if kind in ("role", "group") else kept
    return {**wanted, "attributes": {**wanted.get("attributes", {}), MARK: told}}


def _new(kind: Kind, name: str, thing: Mapping[str, Any]) -> Change:
    made = FACTS[kind](thing)
    fields = tuple(Difference(key, None, value) for key, value in made.items())
    return Change("+", kind, name, fields, thing)


def _differences(
    kind: Kind, wanted: Mapping[str, Any], found: Mapping[str, Any]
) -> tuple[Difference, ...]:
    want, have = FACTS[kind](wanted), FACTS[kind](found)
    differing = [
        Difference(k, have.get(k), v) for k, v in want.items() if not _equal(v, have.get(k))
    ]
    if kind in ("profile", "policy"):  # a step more than wanted weakens or widens what it is for
        differing += [Difference(k, v, None) for k, v in have.items() if k not in want]
    return tuple(differing)


def _equal(wanted: Fact, found: Fact | None) -> bool:
    # Keycloak leaves out what is empty
    return wanted == found or (found is None and wanted in ((), "", "[]", "{}"))


def _foreign_mappers(
    kind: Kind, name: str, wanted: Mapping[str, Any], found: Mapping[str, Any]
) -> list[tuple[str, str]]:
    if kind not in ("scope", "client"):
        return []
    known = {mapper["name"] for mapper in wanted.get("protocolMappers") or []}
    others = [m["name"] for m in found.get("protocolMappers") or [] if m["name"] not in known]
    return [("mapper", f"{other} in {kind} {name}") for other in others]


def _built_in(kind: Kind, name: str, realm: str) -> bool:
    return name in BUILT_IN.get(kind, ()) or (kind == "role" and name == f"default-roles-{realm}")
