"""The mapping file of the company's own identity provider: what it becomes, and what it may not say."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from people import BASE_REALM, ROOT

from mcp_gateway.configuration.settings import ConfigError
from mcp_realm import brokers_flows
from mcp_realm.brokers import Brokers, read, wanted

REALM = json.loads(BASE_REALM.read_text("utf-8"))
TENANT = "7c0f6c2e-52a1-4b9e-9d0a-1f2e3d4c5b6a"
SALES, EVERYONE = "0aa4b8f0-1111-4222-8333-444455556666", "0aa4b8f0-1111-4222-8333-444455557777"
ENTRA: dict[str, Any] = {
    "kind": "entra",
    "name": "Larkfield",
    "issuer": f"https://login.example/{TENANT}/v2.0",
    "client_id": "an-application",
    "secret": "BROKER_LARKFIELD_SECRET",
    "groups": {SALES: ["sales", "region-europe"], EVERYONE: ["analyst"]},
    "by_hand": ["auditor"],
}
GOOGLE: dict[str, Any] = {
    "kind": "google",
    "name": "Larkfield",
    "issuer": "https://accounts.google.com",
    "client_id": "an-application",
    "secret": "BROKER_LARKFIELD_SECRET",
    "domain": "larkfield.example",
    "by_hand": "all",
}


def said(folder: Path, broker: dict[str, Any], alias: str = "larkfield") -> Brokers:
    file = folder / "brokers.yaml"
    file.write_text(yaml.safe_dump({"brokers": {alias: broker}}))
    return read(file, REALM)


def refused(folder: Path, broker: dict[str, Any], alias: str = "larkfield") -> str:
    with pytest.raises(ConfigError) as told:
        said(folder, broker, alias)
    assert str(told.value).startswith(f"{folder / 'brokers.yaml'}: ")
    return str(told.value)


def mappers(folder: Path, broker: dict[str, Any]) -> dict[str, dict[str, Any]]:
    made = wanted(said(folder, broker), REALM, {})["identityProviderMappers"]
    return {one["name"]: one["config"] for one in made}


def test_the_file_of_the_repository_names_no_broker_and_wants_nothing() -> None:
    file = read(ROOT / "infra/keycloak/brokers.yaml", REALM)
    assert file == Brokers()
    assert not any(wanted(file, REALM, {}).values())


def test_the_example_in_the_file_is_a_good_one(tmp_path: Path) -> None:
    text = (ROOT / "infra/keycloak/brokers.yaml").read_text("utf-8")
    head, _, example = text.partition("brokers: {}\n")
    lines = [line.replace("  # ", "  ", 1) for line in example.splitlines()]
    file = tmp_path / "brokers.yaml"
    file.write_text(head + "brokers:\n" + "\n".join(lines) + "\n")
    assert list(read(file, REALM).brokers) == ["larkfield"]


def test_each_group_there_gives_its_groups_here(tmp_path: Path) -> None:
    made = mappers(tmp_path, ENTRA)
    config = made[f"region-europe from {SALES}"]
    assert config["group"] == "/region-europe"
    assert json.loads(config["claims"]) == [{"key": "groups", "value": SALES}]
    assert config["are.claim.values.regex"] == "false"


def test_a_group_that_no_line_gives_is_taken_away_unless_it_is_given_by_hand(
    tmp_path: Path,
) -> None:
    made = mappers(tmp_path, ENTRA)
    nobody = {name.partition(" ")[0] for name in made if name.endswith(" from nobody")}
    everything = {group["name"] for group in REALM["groups"]}
    assert nobody == everything - {"sales", "region-europe", "analyst", "auditor"}
    assert "operator" in nobody


def test_every_sign_in_applies_the_file_anew(tmp_path: Path) -> None:
    made = wanted(said(tmp_path, ENTRA), REALM, {})
    assert made["identityProviders"][0]["config"]["syncMode"] == "FORCE"
    assert {m["config"]["syncMode"] for m in made["identityProviderMappers"]} == {"FORCE"}


def test_no_address_is_trusted_and_the_flow_for_newcomers_is_ours(tmp_path: Path) -> None:
    made = wanted(said(tmp_path, ENTRA), REALM, {})
    (provider,) = made["identityProviders"]
    assert provider["trustEmail"] is False
    flows = {one["alias"]: one for one in made["authenticationFlows"]}
    steps = flows[provider["firstBrokerLoginFlowAlias"]]["authenticationExecutions"]
    assert [step["authenticator"] for step in steps] == [
        "idp-create-user-if-unique",
        "deny-access-authenticator",
    ]


def test_a_secret_is_a_variable_and_comes_from_the_environment(tmp_path: Path) -> None:
    file = said(tmp_path, ENTRA)
    (blank,) = wanted(file, REALM, {})["identityProviders"]
    assert blank["config"]["clientSecret"] == "${BROKER_LARKFIELD_SECRET}"
    (filled,) = wanted(file, REALM, {"BROKER_LARKFIELD_SECRET": "s"})["identityProviders"]
    assert filled["config"]["clientSecret"] == "s"


def test_the_role_that_marks_left_out_groups_is_no_role_of_the_realm() -> None:
    """Roles of the realm file are what tokens may carry."""
    assert brokers_flows.OVERAGE not in {role["name"] for role in REALM["roles"]["realm"]}


@pytest.mark.parametrize(
    ("kind", "issuer", "token"),
    [
        ("entra", ENTRA["issuer"], f"https://login.example/{TENANT}/oauth2/v2.0/token"),
        ("okta", "https://larkfield.okta.com", "https://larkfield.okta.com/oauth2/v1/token"),
        (
            "okta",
            "https://larkfield.okta.com/oauth2/default",
            "https://larkfield.okta.com/oauth2/default/v1/token",
        ),
    ],
)
def test_endpoints_follow_from_the_issuer(
    tmp_path: Path, kind: str, issuer: str, token: str
) -> None:
    (made,) = wanted(said(tmp_path, {**ENTRA, "kind": kind, "issuer": issuer}), REALM, {})[
        "identityProviders"
    ]
    assert made["config"]["tokenUrl"] == token


def test_google_lets_in_one_domain_and_gives_nothing(tmp_path: Path) -> None:
    made = wanted(said(tmp_path, GOOGLE), REALM, {})
    config = made["identityProviders"][0]["config"]
    assert (config["claimFilterName"], config["claimFilterValue"]) == ("hd", r"larkfield\.example")
    assert config["filteredByClaim"] == "true"
    assert not made["identityProviderMappers"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"groups": {SALES: ["analist"]}}, "the realm has no group 'analist'; there are analyst"),
        ({"group": {}}, "brokers.larkfield.group: Extra inputs are not permitted"),
        ({"groups": {SALES.upper(): ["analyst"]}}, "lower case"),
        ({"groups": {SALES: ["sales", "sales"]}}, "a group is given twice"),
        ({"groups": {SALES: ["auditor"]}}, "auditor is given by hand"),
        ({"groups": {"Sales EMEA": ["sales"]}}, "'Sales EMEA' is no group id"),
        ({"groups": {SALES: []}}, f"brokers.larkfield.groups.{SALES}"),
        ({"by_hand": ["nobody"]}, "brokers.larkfield.by_hand: the realm has no group 'nobody'"),
        ({"secret": "s3cr3t~value"}, "name of an environment variable"),
        ({"issuer": "https://login.example/common/v2.0"}, "every tenant"),
        ({"issuer": f"https://login.example/{TENANT}/v2.0/"}, "without a trailing slash"),
        ({"kind": "oidc"}, "`endpoints`"),
        ({"kind": "google"}, "Google's issuer"),
        ({"kind": "adfs"}, "brokers.larkfield.kind"),
        ({"scopes": "profile"}, "brokers.larkfield.scopes"),
    ],
)
def test_a_wrong_file_stops_with_the_file_and_the_key(
    tmp_path: Path, change: dict[str, Any], says: str
) -> None:
    assert says in refused(tmp_path, {**ENTRA, **change})


def test_a_group_there_that_stands_on_two_lines_stops_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "brokers.yaml"
    text = yaml.safe_dump({"brokers": {"larkfield": {**ENTRA, "groups": {}}}}, sort_keys=False)
    twice = f"    groups:\n      {SALES}: [sales]\n      {SALES}: [analyst]\n"
    file.write_text(text.replace("    groups: {}\n", twice))
    with pytest.raises(ConfigError, match=rf"line \d+: the key '{SALES}' is given twice"):
        read(file, REALM)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"groups": {"staff": ["sales"]}}, "no groups"),
        ({"domain": None}, "`domain`"),
        ({"issuer": "https://accounts.example"}, "Google's issuer is"),
    ],
)
def test_what_google_cannot_do_is_said(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    assert says in refused(tmp_path, {**GOOGLE, **change})


def test_an_alias_that_is_no_part_of_a_url_is_refused(tmp_path: Path) -> None:
    assert "brokers.Lark field: the alias" in refused(tmp_path, ENTRA, "Lark field")
