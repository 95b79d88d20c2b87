"""What differs between two realms: found whole, told without secrets, and nothing else touched."""

import copy
import json
from collections.abc import Iterator
from typing import Any, cast

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st
from people import BASE_REALM

from mcp_gateway.realm.keycloak import derive, public_jwk
from mcp_realm.apply_wanted import wanted
from mcp_realm.compare import KINDS, Change, Comparison, Kind, Realm, compare
from mcp_realm.compare_text import lines

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
DERIVED = derive(
    json.loads(BASE_REALM.read_text("utf-8")),
    public_url="https://mcp.example",
    servers={"stock": "http://stock.internal/mcp"},
    roles=(),
    assertion_jwk=public_jwk(KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())),
)
WANTED = wanted(DERIVED)
HOST = "mcp-host"
BACKEND = "http://stock.internal/mcp"


def running() -> Realm:
    """The wanted realm as a running Keycloak tells it: with ids, in an order of its own."""
    things = cast("dict[Kind, dict[str, Any]]", copy.deepcopy(dict(WANTED.things)))
    for kind in ("client", "scope", "role", "group"):
        for place, thing in enumerate(things[kind].values()):
            thing["id"] = f"{kind}-{place}"
    for client in things["client"].values():
        client["redirectUris"].reverse()
        client["secret"] = "s3cr3t-of-a-client"
        client["attributes"] = {**client["attributes"], "realm_client": "false"}
        if not client["protocolMappers"]:
            del client["protocolMappers"]
    things["client"]["account"] = {"id": "a", "clientId": "account", "attributes": {}}
    return Realm(WANTED.name, things)


def compared(found: Realm) -> Comparison:
    return compare(WANTED, found)


def shown(found: Realm) -> str:
    return "\n".join(lines(compared(found)))


def test_a_realm_that_is_as_it_should_be_differs_in_nothing() -> None:
    assert compared(running()) == Comparison((), (), ())


def test_a_realm_that_is_not_there_is_all_new_and_in_the_order_of_need() -> None:
    found = compare(WANTED, Realm(WANTED.name, {}, exists=False))
    assert {change.sign for change in found.changes} == {"+"}
    order = [KINDS.index(change.kind) for change in found.changes]
    assert order == sorted(order)


def leaves(thing: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(thing, dict):
        for key, inner in thing.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(thing, list) and thing and isinstance(thing[0], dict):
        for place, inner in enumerate(thing):
            yield from leaves(inner, (*path, place))
    else:
        yield path


# what a mapper is called is who it is, and a mark says who made it: neither is a difference
SETTLED = {"mcp.managed", "name", "clientId", "path", "executor", "condition", "composite"}
EDITED: tuple[Kind, ...] = ("client", "scope", "group", "role", "policy", "profile")
EVERYTHING = [
    (kind, name, path)
    for kind in EDITED
    for name, thing in WANTED.of(kind).items()
    for path in leaves(thing)
    if path[-1] not in {*SETTLED, "protocolMappers"}
]


@given(st.sampled_from(EVERYTHING))
def test_whatever_somebody_changes_by_hand_is_found(
    where: tuple[Kind, str, tuple[Any, ...]],
) -> None:
    kind, name, path = where
    realm = running()
    thing: Any = realm.of(kind)[name]
    for step in path[:-1]:
        thing = thing[step]
    old = thing[path[-1]]
    thing[path[-1]] = [*old, "x"] if isinstance(old, list) else not old if isinstance(old, bool) else f"{old}x"  # fmt: skip
    (change,) = compared(realm).changes
    assert (change.sign, change.kind, change.name) == ("~", kind, name)
    assert change.fields


@pytest.mark.parametrize(
    "attribute",
    [
        "standard.token.exchange.enabled",
        "oauth2.device.authorization.grant.enabled",
        "oidc.ciba.grant.enabled",
    ],
)
def test_a_door_that_no_file_speaks_of_is_shut_again(attribute: str) -> None:
    realm = running()
    cast("dict[str, Any]", realm.of("client")[BACKEND]["attributes"])[attribute] = "true"
    (change,) = compared(realm).changes
    assert f"attributes.{attribute}: true → false" in "\n".join(lines(compared(realm)))
    assert change.name == BACKEND


def test_what_is_not_ours_is_named_and_left() -> None:
    realm = running()
    clients = cast("dict[str, Any]", realm.of("client"))
    clients["intranet"] = {"id": "i", "clientId": "intranet", "attributes": {}}
    clients[HOST]["protocolMappers"] = [{"id": "m", "name": "theirs", "config": {}}]
    found = compared(realm)
    assert found.same
    assert found.leftovers == ()
    assert found.foreign == (("client", "intranet"), ("mapper", f"theirs in client {HOST}"))


def test_what_was_made_here_and_is_wanted_no_more_is_left_over_not_removed() -> None:
    realm = running()
    old = {**copy.deepcopy(realm.of("client")[BACKEND]), "clientId": "http://old.internal/mcp"}
    cast("dict[str, Any]", realm.of("client"))["http://old.internal/mcp"] = old
    found = compared(realm)
    assert found.same
    assert [(c.sign, c.name) for c in found.leftovers] == [("-", "http://old.internal/mcp")]


def test_what_was_there_before_is_adopted_and_never_left_over() -> None:
    realm = running()
    role = cast("dict[str, Any]", realm.of("role")["analyst"])
    role["attributes"] = {}
    (change,) = compared(realm).changes
    assert change.wanted["attributes"] == {"mcp.managed": ["adopted"]}
    role["attributes"] = {"mcp.managed": ["adopted"]}
    assert compared(realm).same
    without = Realm(WANTED.name, {**WANTED.things, "role": {}})
    assert ("role", "analyst") in compare(without, realm).foreign
    assert "analyst" not in [change.name for change in compare(without, realm).leftovers]


def test_a_policy_of_ours_that_is_turned_off_goes_and_another_stays() -> None:
    realm = running()
    policies = cast("dict[str, Any]", realm.of("policy"))
    policies["mcp-cimd"] = {"name": "mcp-cimd", "enabled": True}
    policies["fapi"] = {"name": "fapi", "enabled": True}
    found = compared(realm)
    assert [(c.sign, c.kind, c.name) for c in found.changes] == [("-", "policy", "mcp-cimd")]
    assert ("policy", "fapi") in found.foreign


def test_a_condition_added_to_our_policy_is_a_difference() -> None:
    """`any-client` and one more condition is a policy for some clients only."""
    realm = running()
    policy = cast("dict[str, Any]", realm.of("policy")["pkce-for-everyone"])
    policy["conditions"] = [
        *policy["conditions"],
        {"condition": "client-roles", "configuration": {}},
    ]
    (change,) = compared(realm).changes
    assert [one.field for one in change.fields] == ["conditions.client-roles"]


def test_people_are_in_no_comparison() -> None:
    assert DERIVED["users"]
    assert "ana@larkfield" not in json.dumps(
        [str(change) for change in compare(WANTED, Realm("mcp", {})).changes]
    )


def test_no_secret_and_no_key_is_shown() -> None:
    realm = running()
    client = cast("dict[str, Any]", realm.of("client")["mcp-console"])
    keys = client["attributes"]["jwks.string"]
    client["attributes"]["jwks.string"] = '{"keys": [{"kty": "RSA", "kid": "another", "n": "AQ"}]}'
    told = shown(realm)
    assert "key RSA another → key RSA" in told
    assert json.loads(keys)["keys"][0]["n"][:20] not in told
    secret = Change("~", "settings", "mcp", compared(realm).changes[0].fields)
    assert "s3cr3t" not in told + str(secret)
    hidden = {**WANTED.things, "settings": {"mcp": {"smtpServer": {"password": "hunter2"}}}}
    assert "hunter2" not in "\n".join(lines(compare(Realm("mcp", hidden), running())))
    assert "not shown" in "\n".join(lines(compare(Realm("mcp", hidden), running())))


def test_a_name_at_keycloak_cannot_steer_the_terminal() -> None:
    realm = running()
    name = "\x1b[2Jnice\nok  all is well"
    cast("dict[str, Any]", realm.of("client"))[name] = {
        "id": "i",
        "clientId": name,
        "attributes": {},
    }
    told = list(lines(compared(realm)))
    assert told == [
        "  foreign: client \\x1b[2Jnice\\x0aok  all is well (not made here; left alone)"
    ]


def test_a_changed_list_shows_what_was_added_and_what_goes() -> None:
    realm = running()
    client = cast("dict[str, Any]", realm.of("client")[HOST])
    client["redirectUris"] = ["http://127.0.0.1/callback", "https://evil.example/"]
    assert shown(realm).splitlines() == [
        f"~ client {HOST}",
        "    redirectUris: + http://localhost/callback  - https://evil.example/",
    ]
