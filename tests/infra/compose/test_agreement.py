"""The stack in containers is the native one, but for what mapping.toml gives a reason for."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from infra.compose.made import changed, compose, native, spoilt

from mcp_compose.addresses import filler
from mcp_compose.agreement import differences
from mcp_compose.mapping import Mapping
from mcp_local.plan import Part
from mcp_local.stack_toml import Setup

Change = Callable[[dict[str, Any]], object]


def test_both_stacks_agree() -> None:
    assert differences(native(), compose()) == []


def more_env(part: Part) -> Part:
    return replace(part, env={**part.env, "MCP_NEW": "{gateway}"})


def one_word_more(part: Part) -> Part:
    return replace(part, command=(*part.command, "--new"))


def another_step(part: Part) -> Part:
    return replace(part, setup=(*part.setup, Setup(command=("{python}", "-m", "more"))))


def another_setup_setting(part: Part) -> Part:
    first = part.setup[0]
    step = first.model_copy(
        update={"env": {**first.env, "DOCS_EXTRA_URL": "{postgres_admin:docs}"}}
    )
    return replace(part, setup=(step,))


def a_new_need(part: Part) -> Part:
    return replace(part, needs=(*part.needs, "valkey"))


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("crm", more_env, "crm: MCP_NEW is missing"),
        ("gateway", more_env, "gateway-2: MCP_NEW is missing"),
        ("docs", one_word_more, "docs: runs ['-m', 'mcp_docs'], natively ['-m', 'mcp_docs', '--new']"),
        ("crm", another_step, "crm: 2 steps natively; crm-setup can be one"),
        ("docs", another_setup_setting, "docs-setup: DOCS_EXTRA_URL is missing among its secrets"),
        ("warehouse", a_new_need, "warehouse: does not wait for valkey, natively for valkey"),
    ],
)  # fmt: skip
def test_a_change_of_the_native_stack_alone_is_a_difference(
    name: str, change: Callable[[Part], Part], said: str
) -> None:
    assert said in differences(changed(name, change), compose())


def test_a_new_server_needs_a_service_and_a_service_of_no_part_is_a_stranger() -> None:
    plan = native().plan
    another = replace(plan.part("docs"), name="another", needs=(), setup=())
    listed = replace(plan, parts=(*plan.parts, another))
    more = filler(listed, native().mapping, native().secrets, "0.1")
    assert "another: natively there, and no service here" in differences(more, compose())
    said = spoilt(lambda s: s["services"].update(another={}))
    assert "another: a service here, and no part natively" in differences(native(), said)


def test_a_new_default_of_every_process_is_a_difference() -> None:
    plan = replace(native().plan, defaults={**native().plan.defaults, "OTEL_NEW": "1"})
    found = differences(replace(native(), plan=plan), compose())
    assert {f"{name}: OTEL_NEW is missing" for name in ("gateway-1", "crm", "crm-api")} <= set(
        found
    )


def env(name: str) -> Callable[[dict[str, Any]], dict[str, str]]:
    return lambda said: said["services"][name]["environment"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: env("crm")(s).update(CRM_BASE_URL="http://elsewhere"), "crm: CRM_BASE_URL is 'http://elsewhere', natively 'http://crm-api:8090'"),
        (lambda s: env("gateway-1")(s).update(GATEWAY_PROFILE="production"), "gateway-1: GATEWAY_PROFILE is set here alone"),
        (lambda s: env("crm")(s).update(CRM_TOKEN="word"), "crm: CRM_TOKEN holds a secret and is in the environment"),
        (lambda s: s["services"]["crm"]["secrets"].remove("CRM_TOKEN"), "crm: CRM_TOKEN is missing among its secrets"),
        (lambda s: s["services"]["crm"]["secrets"].append("WAREHOUSE_DATABASE_URL"), "crm: WAREHOUSE_DATABASE_URL is set here alone"),
        (lambda s: env("docs")(s).update(MCP_HOST="0.0.0.0"), "docs: MCP_HOST is 0.0.0.0, a name it has on no network"),
        (lambda s: s["services"]["docs"]["healthcheck"].update(test=["CMD", "true"]), "docs: does not ask for its health as the image does"),
        (lambda s: s["services"]["docs-setup"].update(command=["-m", "mcp_docs.migrate"]), "docs-setup: runs ['-m', 'mcp_docs.migrate'], natively ['-m', 'mcp_docs.load', '/srv/infra/sandbox/handbook']"),
        (lambda s: s["services"]["crm"].update(depends_on={}), "crm: does not wait until crm-setup is done"),
        (lambda s: s["services"].pop("valkey"), "valkey: natively there, and no service here"),
        (lambda s: s["services"].update(adminer={}), "adminer: a service here, and no part natively"),
        (lambda s: s["secrets"].update(EXTRA={"file": "x"}), "secrets: EXTRA is given to no service"),
    ],
)  # fmt: skip
def test_a_change_of_the_containers_alone_is_a_difference(change: Change, said: str) -> None:
    assert said in differences(native(), spoilt(change))


def mapped(**changed: Any) -> list[str]:
    mapping = Mapping.model_validate({**native().mapping.model_dump(), **changed})
    return differences(replace(native(), mapping=mapping), compose())


def test_a_reason_about_nothing_is_a_difference() -> None:
    parts = native().mapping.model_dump()["parts"]
    gone = {**parts, "another": {"service": "another"}}
    assert "mapping.toml: parts.another: there is no such part" in mapped(parts=gone)
    idle = {**parts, "crm-api": {**parts["crm-api"], "more": {"HOST": "x" * 10, "IDLE": "y" * 10}}}
    assert "mapping.toml: parts.crm-api.more: IDLE is not set here either" in mapped(parts=idle)
    assert "adminer: natively there, and no service here" in mapped(only_here={"adminer": "z" * 10})
    assert "mapping.toml: shared: {run}/gone is in no command" in mapped(
        shared={"{run}/gone": "/x"}
    )


def test_public_addresses_are_published_where_clients_look() -> None:
    ports = {port.rsplit(":", 1)[0] for port in compose().services["proxy"].published}
    place = native().place
    assert {f"127.0.0.1:{place.gateway_port}", f"127.0.0.1:{place.issuer_port}"} <= ports
    issuer = compose().services["keycloak"].environment
    assert issuer["KC_HOSTNAME"] == place.issuer_base
    assert issuer["KC_HTTP_PORT"] == str(native().ports["issuer"])
