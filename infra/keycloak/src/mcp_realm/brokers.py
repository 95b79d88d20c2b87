"""The company's own identity provider, brokered by Keycloak: one mapping file, pure derivation.

Pure: no clock, no network, no state. For whoever applies a realm to a running Keycloak:

    file = brokers.read(Path("infra/keycloak/brokers.yaml"), realm)   # ConfigError: file, key, why
    more = brokers.wanted(file, realm, secrets=os.environ)

`realm` is the derived realm (its `groups` are what an upstream group may become). `more` has six
keys, each in Keycloak's export format, and all of them empty while the file names no broker:

    roles                       one realm role that only the flow below reads; in no token
    requiredActions             one that is switched off: see `brokers_flows`
    authenticationFlows         three flows, none of them built in
    authenticatorConfig         what two of their executions say
    identityProviders           by alias; clientSecret from `secrets`, else the placeholder ${NAME}
    identityProviderMappers     by identityProviderAlias and name

They go in this order, each needing the ones before. They are no part of a realm file for
`--import-realm`: a file that lists flows must list all built-in ones, too. Keycloak tells a stored
clientSecret as `**********`, so a comparison cannot see whether it differs.
`brokers_put.put` does all of it, and is what `make brokers APPLY=1` and the tests run.
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from mcp_gateway.configuration.settings import ConfigError, Strict, parse, read_yaml
from mcp_gateway.realm.keycloak import MADE, MARK
from mcp_realm import brokers_flows as flows
from mcp_realm.brokers_upstream import GUID, Endpoints, Kind, Url, endpoints

ALIAS = re.compile(r"[a-z][a-z0-9-]{0,30}")
VARIABLE = re.compile(r"[A-Z][A-Z0-9_]+")
NEVER = "(?!)"  # a regular expression that matches nothing

Representation = dict[str, Any]


def _variable(value: str) -> str:
    if not VARIABLE.fullmatch(value):
        raise ValueError("expected the name of an environment variable, never the secret itself")
    return value


class Broker(Strict):
    """One upstream. Its groups become ours, and nobody keeps one of ours it does not give."""

    kind: Kind
    name: Annotated[str, Field(min_length=1, max_length=60)]  # on the button of the sign-in page
    issuer: Url
    client_id: Annotated[str, Field(min_length=1)]
    secret: Annotated[str, AfterValidator(_variable)]
    scopes: Annotated[str, Field(pattern=r"^openid( \S+)*$")] = "openid profile email"
    # the claim that holds a person's groups, a list
    claim: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$")] = "groups"
    # the upstream's group, as its tokens say it → groups of the realm
    groups: dict[str, Annotated[list[str], Field(min_length=1)]] = Field(default_factory=dict)
    # groups of the realm that administrators give by hand; no sign-in takes them away
    by_hand: list[str] | Literal["all"] = Field(default_factory=list)
    # Google only: the Workspace domain, without which every Google account could sign in
    domain: Annotated[str, Field(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$")] | None = None
    endpoints: Endpoints | None = None

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if (self.kind == "oidc") != (self.endpoints is not None):
            raise ValueError("`endpoints` is for kind oidc, and needed there")
        if self.endpoints is None:
            endpoints(self.kind, self.issuer)
        if (self.kind == "google") != (self.domain is not None):
            raise ValueError("`domain` is for kind google, and needed there")
        if self.kind == "google" and self.groups:
            raise ValueError("Google's ID token holds no groups: use `by_hand: all`")
        if self.by_hand == "all" and self.groups:
            raise ValueError("`by_hand: all` leaves nothing for `groups` to give")
        if self.kind == "entra" and self.claim == "groups":
            _guids(self.groups)
        return self

    @property
    def reached_at(self) -> Endpoints:
        return self.endpoints or endpoints(self.kind, self.issuer)


class Brokers(Strict):
    """The whole file."""

    brokers: dict[str, Broker] = Field(default_factory=dict)


def read(path: Path, realm: Mapping[str, Any]) -> Brokers:
    """The mapping file, checked against the realm it gives groups of.

    Raises:
        ConfigError: every wrong key, with the file and what was expected.

    """
    document = read_yaml(path)
    found: Brokers = parse(Brokers, document, path)
    if wrong := list(_wrong(found, _names(realm))):
        raise ConfigError("\n".join(f"{path}: {line}" for line in wrong))
    return found


def wanted(
    file: Brokers, realm: Mapping[str, Any], secrets: Mapping[str, str]
) -> dict[str, list[Representation]]:
    """What Keycloak should hold for these brokers; see the module."""
    chosen = file.brokers
    some = bool(chosen)
    return {
        "roles": [dict(flows.OVERAGE_ROLE)] if some else [],
        "requiredActions": [dict(flows.NO_QUESTIONS)] if some else [],
        "authenticationFlows": flows.flows() if some else [],
        "authenticatorConfig": flows.configs() if some else [],
        "identityProviders": [_provider(alias, one, secrets) for alias, one in chosen.items()],
        "identityProviderMappers": [
            mapper for alias, one in chosen.items() for mapper in _mappers(alias, one, realm)
        ],
    }


def redirect_uri(issuer: str, alias: str) -> str:
    """What to register upstream, exactly; `issuer` is Keycloak's own."""
    return f"{issuer}/broker/{alias}/endpoint"


def _provider(alias: str, broker: Broker, secrets: Mapping[str, str]) -> Representation:
    at = broker.reached_at
    config = {
        "issuer": broker.issuer,
        "authorizationUrl": at.authorize,
        "tokenUrl": at.token,
        "jwksUrl": at.keys,
        "useJwksUrl": "true",
        "validateSignature": "true",
        "clientId": broker.client_id,
        "clientSecret": secrets.get(broker.secret) or f"${{{broker.secret}}}",
        "clientAuthMethod": "client_secret_post",
        "defaultScope": broker.scopes,
        "pkceEnabled": "true",
        "pkceMethod": "S256",
        "syncMode": "FORCE",
        "allowedClockSkew": "30",
        # everything comes from the ID token, whose signature is checked
        "disableUserInfo": "true",
        MARK: MADE,
    }
    if at.logout:
        config |= {"logoutUrl": at.logout, "sendIdTokenOnLogout": "true"}
    if essential := _essential(broker):
        claim, value = essential
        config |= {
            "filteredByClaim": "true", "claimFilterName": claim, "claimFilterValue": value,
        }  # fmt: skip
    return {
        "alias": alias,
        "displayName": broker.name,
        "providerId": "oidc",
        "enabled": True,
        # an address nobody verified must not open the account that has the same one
        "trustEmail": False,
        "storeToken": False,
        "addReadTokenRoleOnCreate": False,
        "linkOnly": False,
        "firstBrokerLoginFlowAlias": flows.FIRST,
        "postBrokerLoginFlowAlias": flows.AFTER,
        "config": config,
    }


def _essential(broker: Broker) -> tuple[str, str] | None:
    """A claim without which nobody is signed in, and what it has to be."""
    if broker.kind == "entra":
        return "oid", GUID.pattern
    if broker.domain:
        return "hd", re.escape(broker.domain)
    return None


def _mappers(alias: str, broker: Broker, realm: Mapping[str, Any]) -> Iterable[Representation]:
    if broker.kind == "entra":
        # `sub` is pairwise: registering the application anew would make everyone a stranger
        yield _mapper(
            alias, "identity is oid", "oidc-username-idp-mapper",
            template="${CLAIM.oid}", target="BROKER_ID",
        )  # fmt: skip
    if broker.by_hand == "all":
        return
    yield _mapper(
        alias, "groups left out", "oidc-advanced-role-idp-mapper",
        **_claims(f"_claim_names.{broker.claim}", ".*", regex=True), role=flows.OVERAGE,
    )  # fmt: skip
    given = {ours for several in broker.groups.values() for ours in several}
    for theirs, several in broker.groups.items():
        for ours in several:
            yield _joins(alias, f"{ours} from {theirs}", ours, _claims(broker.claim, theirs))
    for ours in sorted(_names(realm) - given - set(broker.by_hand)):
        # given by a line that is gone from the file: without this it would stay for ever
        taken = _claims(broker.claim, NEVER, regex=True)
        yield _joins(alias, f"{ours} from nobody", ours, taken)


def _joins(alias: str, name: str, group: str, claims: Mapping[str, str]) -> Representation:
    return _mapper(alias, name, "oidc-advanced-group-idp-mapper", **claims, group=f"/{group}")


def _claims(claim: str, value: str, *, regex: bool = False) -> dict[str, str]:
    return {
        "claims": json.dumps([{"key": claim, "value": value}]),
        "are.claim.values.regex": str(regex).lower(),
    }


def _mapper(alias: str, name: str, kind: str, **config: str) -> Representation:
    return {
        "name": name,
        "identityProviderAlias": alias,
        "identityProviderMapper": kind,
        "config": {"syncMode": "FORCE", **config},
    }


def _names(realm: Mapping[str, Any]) -> set[str]:
    return {group["name"] for group in realm["groups"]}


def _guids(groups: Iterable[str]) -> None:
    for one in groups:
        if not GUID.fullmatch(one):
            raise ValueError(
                f"groups: {one!r} is no group id as Entra ID sends it: 36 characters, lower case"
            )


def _wrong(file: Brokers, known: set[str]) -> Iterable[str]:
    for alias, broker in file.brokers.items():
        at = f"brokers.{alias}"
        if not ALIAS.fullmatch(alias):
            yield f"{at}: the alias is part of a URL and must match {ALIAS.pattern}"
        told = f"there are {', '.join(sorted(known))}"
        for theirs, several in broker.groups.items():
            for ours in several:
                if ours not in known:
                    yield f"{at}.groups.{theirs}: the realm has no group {ours!r}; {told}"
                if ours in broker.by_hand:
                    yield f"{at}.groups.{theirs}: {ours} is given by hand, says {at}.by_hand"
            if len(set(several)) < len(several):
                yield f"{at}.groups.{theirs}: a group is given twice"
        for ours in broker.by_hand if broker.by_hand != "all" else ():
            if ours not in known:
                yield f"{at}.by_hand: the realm has no group {ours!r}; {told}"
