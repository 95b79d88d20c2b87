"""What has to change at Keycloak for it to hold the wanted brokers, and nothing of ours besides.

Pure: no clock, no network, no state. A provider without our mark is somebody else's and stays.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mcp_gateway.realm.keycloak import MADE, MARK

Representation = dict[str, Any]
Wanted = Mapping[str, list[Representation]]
# a stored secret is told as stars: whether it is another one cannot be seen
UNSEEN = frozenset({"config.clientSecret"})


class TakenError(Exception):
    """Something with a name of ours is there that this file did not make."""


@dataclass(frozen=True)
class Step:
    """One thing to add, change (`identity` is its id there) or remove."""

    sign: str  # + ~ -
    kind: str  # broker, mapper
    alias: str
    name: str
    thing: Representation
    identity: str = ""
    fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        named = self.alias if self.kind == "broker" else f"{self.alias}: {self.name}"
        return f"{self.sign} {self.kind} {named}" + "".join(f"\n    {one}" for one in self.fields)


def compare(
    wanted: Wanted,
    providers: Iterable[Representation],
    mappers: Mapping[str, Iterable[Representation]],
) -> list[Step]:
    """`providers` and, by alias, `mappers` are what Keycloak holds.

    Raises:
        TakenError: a provider of a wanted alias is not ours.

    """
    steps: list[Step] = []
    known = {one["alias"]: one for one in providers}
    for provider in wanted["identityProviders"]:
        alias = provider["alias"]
        there = known.get(alias)
        if there and not _ours(there):
            raise TakenError(
                f"Keycloak has an identity provider {alias!r} that brokers.yaml did not make: "
                "remove it there, or choose another alias. People who sign in by it keep their "
                "accounts and lose their link."
            )
        steps += _steps("broker", alias, alias, provider, there, "internalId")
        mine = [m for m in wanted["identityProviderMappers"] if m["identityProviderAlias"] == alias]
        held = {one["name"]: one for one in mappers.get(alias, ())}
        for mapper in mine:
            steps += _steps("mapper", alias, mapper["name"], mapper, held.pop(mapper["name"], None))
        steps += [Step("-", "mapper", alias, name, one, one["id"]) for name, one in held.items()]
    gone = known.keys() - {one["alias"] for one in wanted["identityProviders"]}
    steps += [
        Step("-", "broker", alias, alias, known[alias])
        for alias in sorted(gone)
        if _ours(known[alias])
    ]
    return steps


def _ours(provider: Representation) -> bool:
    return bool(provider.get("config", {}).get(MARK) == MADE)


def _steps(
    kind: str,
    alias: str,
    name: str,
    thing: Representation,
    there: Representation | None,
    key: str = "id",
) -> list[Step]:
    if there is None:
        return [Step("+", kind, alias, name, thing)]
    fields = tuple(_differences(thing, there))
    changed = {key: there[key], **thing}
    return [Step("~", kind, alias, name, changed, there[key], fields)] if fields else []


def _differences(wanted: Representation, there: Representation) -> Iterable[str]:
    flat = {f"config.{key}": value for key, value in wanted.get("config", {}).items()}
    held = {f"config.{key}": value for key, value in there.get("config", {}).items()}
    flat |= {key: value for key, value in wanted.items() if key != "config"}
    held |= {key: value for key, value in there.items() if key != "config"}
    for key, value in flat.items():
        if key not in UNSEEN and held.get(key) != value:
            yield f"{key}: {held.get(key)!r} → {value!r}"
    for key in sorted(held.keys() - flat.keys()):
        # a setting that an earlier file made, and that narrowed who may sign in
        if key in {"config.filteredByClaim", "config.logoutUrl"} and held[key]:
            yield f"{key}: {held[key]!r} → nothing"
