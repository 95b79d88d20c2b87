"""Who may speak to whom between containers."""

from collections.abc import Callable
from typing import Any

import pytest
from infra.compose.made import ROOT, compose, native, spoilt

from mcp_compose import exposure


def test_each_server_is_reached_by_the_gateways_alone() -> None:
    assert list(exposure.ways(native(), compose())) == []


def service(said: dict[str, Any], name: str) -> dict[str, Any]:
    return said["services"][name]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("change", "part_of"),
    [
        (lambda s: service(s, "docs")["networks"].update(crm=None), "crm listens on crm, and its members differ by docs"),
        (lambda s: service(s, "crm")["environment"].update(MCP_HOST="0.0.0.0"), "crm listens on every network it is on"),
        (lambda s: service(s, "gateway-2")["networks"].pop("crm"), "crm listens on crm, and its members differ by gateway-2"),
        (lambda s: service(s, "docs")["networks"].update(edge=None), "docs is on edge, which leads out"),
        (lambda s: s["networks"].update({"crm-needs": None}), "postgres is on crm-needs, which leads out"),
        (lambda s: service(s, "postgres").update(ports=["127.0.0.1:5432:5432"]), "postgres publishes 127.0.0.1:5432:5432, and is neither"),
        (lambda s: service(s, "proxy").update(ports=["8443:8443"]), "proxy publishes 8443:8443 beyond loopback"),
        (lambda s: service(s, "keycloak").update(networks=["front"]), "gateway-1 listens on front, where others are"),
    ],
)  # fmt: skip
def test_a_way_that_should_not_be_open_is_found(
    change: Callable[[dict[str, Any]], object], part_of: str
) -> None:
    assert any(part_of in line for line in exposure.ways(native(), spoilt(change)))


def test_each_login_reaches_the_databases_its_process_asks_for_and_no_other() -> None:
    assert exposure.allowed(ROOT) == exposure.logins(native())


def test_every_database_is_made() -> None:
    text = (ROOT / "infra/compose/postgres/databases.sql").read_text("utf-8")
    made = text.partition("ARRAY[")[2].partition("]")[0].replace("'", "").split(", ")
    assert set(made) == {database for database, _ in exposure.logins(native())}
