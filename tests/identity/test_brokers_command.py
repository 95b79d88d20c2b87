"""`make brokers` without a Keycloak: what to register, who becomes what, what the upstream says."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from identity.brokers.brokered import ALIAS, GROUPS, SALES, SECRET
from identity.brokers.entra import Entra, running_entra

from mcp_gateway.realm.keycloak import MADE, MARK
from mcp_realm.brokers import Brokers, wanted
from mcp_realm.brokers_command import CANNOT, DIFFERS, DONE, main, problems
from mcp_realm.brokers_compare import TakenError, compare

REALM = {"groups": [{"name": name} for name in ("sales", "analyst", "region-europe", "auditor")]}


@pytest.fixture(scope="module")
def upstream() -> Iterator[Entra]:
    with running_entra() as entra:
        yield entra


@pytest.fixture
def broker(upstream: Entra) -> dict[str, Any]:
    return {
        "kind": "entra", "name": "Larkfield", "issuer": upstream.issuer,
        "client_id": "an-application", "secret": SECRET, "groups": GROUPS,
    }  # fmt: skip


def file_of(folder: Path, broker: dict[str, Any]) -> list[str]:
    file = folder / "brokers.yaml"
    file.write_text(yaml.safe_dump({"brokers": {ALIAS: broker}}))
    return ["--file", str(file)]


def test_what_to_register_and_who_becomes_what_is_told(
    tmp_path: Path, broker: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(file_of(tmp_path, broker)) == DONE
    said = capsys.readouterr().out
    assert f"/broker/{ALIAS}/endpoint/logout_response\n" in said
    assert (
        f"  redirect URI to register there: http://localhost:8081/realms/mcp/broker/{ALIAS}/endpoint\n"
        in said
    )
    assert f"  groups {SALES} → sales, region-europe\n" in said


def test_an_upstream_that_says_otherwise_is_named(
    tmp_path: Path, broker: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = broker["issuer"].replace("/7c0f6c2e", "/8c0f6c2e")
    given = file_of(tmp_path, {**broker, "issuer": elsewhere})
    assert main(given) == DIFFERS
    assert "answers 404: is the issuer right?" in capsys.readouterr().out
    assert main([*given, "--offline"]) == DONE


def test_an_endpoint_that_is_another_there_is_named(broker: dict[str, Any]) -> None:
    base = broker["issuer"].removesuffix("/v2.0")
    endpoints = {
        "authorize": f"{base}/oauth2/v2.0/authorize",
        "token": f"{base}/oauth2/token",
        "keys": f"{base}/discovery/v2.0/keys",
    }
    made = {**broker, "kind": "oidc", "endpoints": endpoints}
    file = Brokers.model_validate({"brokers": {ALIAS: made}})
    assert list(problems(file.brokers[ALIAS])) == [
        f"token_endpoint is {base}/oauth2/v2.0/token there, {base}/oauth2/token here"
    ]


def test_a_wrong_file_stops_it_with_the_key(
    tmp_path: Path, broker: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(file_of(tmp_path, {**broker, "groups": {SALES: ["sails"]}})) == CANNOT
    said = capsys.readouterr().err
    assert f"{tmp_path / 'brokers.yaml'}: brokers.{ALIAS}.groups.{SALES}" in said


def test_without_the_secret_keycloak_is_not_asked(
    tmp_path: Path,
    broker: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(SECRET, raising=False)
    assert main([*file_of(tmp_path, broker), "--apply", "--yes"]) == CANNOT
    assert f"{SECRET} is not set" in capsys.readouterr().err


def held(broker: dict[str, Any], **changes: Any) -> tuple[Any, list[Any], dict[str, list[Any]]]:
    """What is wanted, and a Keycloak that holds it."""
    made = wanted(Brokers.model_validate({"brokers": {ALIAS: broker}}), REALM, {})
    there = [
        {
            **one,
            "internalId": "i",
            "config": {**one["config"], "clientSecret": "**********"},
            **changes,
        }
        for one in made["identityProviders"]
    ]
    mappers = [{**one, "id": str(n)} for n, one in enumerate(made["identityProviderMappers"])]
    return made, there, {ALIAS: mappers}


def test_what_is_there_needs_no_step(broker: dict[str, Any]) -> None:
    made, there, mappers = held(broker)
    assert compare(made, there, mappers) == []


def test_a_mapper_that_is_not_in_the_file_is_removed(broker: dict[str, Any]) -> None:
    """It might give somebody a group."""
    made, there, mappers = held(broker)
    mappers[ALIAS].append({"name": "by hand", "id": "x", "config": {}})
    assert [str(step) for step in compare(made, there, mappers)] == [f"- mapper {ALIAS}: by hand"]


def test_a_provider_without_our_mark_is_neither_changed_nor_removed(
    broker: dict[str, Any],
) -> None:
    made, there, mappers = held(broker)
    assert there[0]["config"].pop(MARK) == MADE
    with pytest.raises(TakenError):
        compare(made, there, mappers)
    assert compare(wanted(Brokers(), REALM, {}), there, mappers) == []
