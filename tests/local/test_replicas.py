"""A stack of several gateways: asked for once, remembered, one address, and nothing of it unasked."""

from pathlib import Path

import pytest
from local.small_stack import BASE, clone
from local.test_tls import TLS

from mcp_local import control
from mcp_local.allocation import allocate
from mcp_local.fill import Filler
from mcp_local.front import caddyfile
from mcp_local.load import Stack
from mcp_local.place import Place, place, prepare, remember
from mcp_local.plan import plan
from mcp_local.secret_files import Secrets
from mcp_local.trust import Authority

REPLICATED = """
[services.gateway.replicated]
REPLICA = "gateway-{number}"
REPLICAS = "{replicas}"

[services.balancer]
when = "balancer"
fronts = ["gateway"]
process = { command = ["{python}", "{root}/dummy.py", "{gateway}={urls:gateway}"], health = "/healthz" }
"""


def clone_with_balancer(folder: Path) -> Path:
    return clone(folder, base=BASE + TLS + REPLICATED)


def asked(root: Path, **environ: str) -> Place:
    return place(environ, root)


def filled(here: Place) -> Filler:
    prepare(here)
    found = Stack(here).plan
    return Filler(here, found, allocate(here, found), Secrets(here.secrets))


def test_without_a_word_there_is_one_gateway_and_nothing_in_front(tmp_path: Path) -> None:
    root = clone_with_balancer(tmp_path / "c")
    here = asked(root)
    found = Stack(here).plan
    assert {"gateway-2", "balancer", "tls"}.isdisjoint(part.name for part in found.parts)
    assert "REPLICA" not in found.part("gateway").env


def test_two_gateways_share_the_public_address_and_differ_in_name_and_port(tmp_path: Path) -> None:
    root = clone_with_balancer(tmp_path / "c")
    filler = filled(asked(root, STACK_REPLICAS="2", STACK_GATEWAY_PORT="18443"))
    first, second = filler.plan.replicas("gateway")
    assert (first.name, second.name) == ("gateway", "gateway-2")
    assert filler.environment(first.env, first)["REPLICA"] == "gateway-1"
    assert filler.environment(second.env, second)["REPLICA"] == "gateway-2"
    for part in (first, second):
        assert filler.environment(part.env, part)["REPLICAS"] == "2"
        assert filler.fill("{proxies}", part) == "1"
    inner = [filler.ports[name] for name in ("gateway", "gateway-2")]
    assert len({18443, filler.ports["balancer"], *inner}) == 4
    balancer = filler.plan.part("balancer")
    told = filler.command(balancer.command, balancer)[-1]
    addresses = ",".join(f"http://127.0.0.1:{port}" for port in inner)
    assert told == f"http://localhost:18443={addresses}"


def test_what_ends_tls_balances_too(tmp_path: Path) -> None:
    root = clone_with_balancer(tmp_path / "c")
    here = asked(root, STACK_REPLICAS="3", STACK_TLS="1")
    names = {part.name for part in Stack(here).plan.parts}
    assert {"gateway", "gateway-2", "gateway-3", "tls"} <= names
    assert "balancer" not in names


@pytest.mark.parametrize("text", ["0", "9", "two", "-1"])
def test_another_number_of_them_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match="REPLICAS must be 1 to 8"):
        asked(clone(tmp_path / "c"), STACK_REPLICAS=text)


def test_commands_that_follow_find_as_many_as_were_started(tmp_path: Path) -> None:
    root = clone_with_balancer(tmp_path / "c")
    here = asked(root, STACK_REPLICAS="2")
    prepare(here)
    assert asked(root).replicas == 1, "asking alone starts nothing"
    remember(here)
    assert asked(root).replicas == 2
    assert place(control.environment(here)).replicas == 2
    remember(asked(root, STACK_REPLICAS="1"))
    assert asked(root).replicas == 1


def test_a_stack_starts_anew_when_it_is_asked_for_another_number(tmp_path: Path) -> None:
    root = clone_with_balancer(tmp_path / "c")
    one, two = (asked(root, STACK_REPLICAS=count) for count in "12")
    assert control.fingerprint(one, Stack(one).plan) != control.fingerprint(two, Stack(two).plan)


def test_a_balancer_is_told_to_send_no_call_twice(tmp_path: Path) -> None:
    inner = "http://127.0.0.1:18001,http://127.0.0.1:18002"
    for public in ("http://localhost:8080", "https://localhost:8443"):
        text = caddyfile(tmp_path, Authority(tmp_path), 18000, {public: inner})
        assert "reverse_proxy 127.0.0.1:18001 127.0.0.1:18002 {" in text
        assert "lb_retry_match" not in text, "its default is GET alone"
        assert "flush_interval" not in text
    alone = caddyfile(tmp_path, None, 18000, {"http://localhost:8080": "http://127.0.0.1:18001"})
    assert "lb_" not in alone


def test_the_real_stack_gives_each_gateway_a_name_and_time_to_leave() -> None:
    root = Path(__file__).parents[2]
    found = plan(root, {"balancer"}, replicas=2)
    for part in found.replicas("gateway"):
        assert part.env["GATEWAY_REPLICA"] == "gateway-{number}"
        assert float(part.env["GATEWAY_LEAVE_SECONDS"]) > 0
    assert "gateway-2" not in {part.name for part in plan(root).parts}
