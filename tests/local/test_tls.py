"""A stack that answers https: asked for once, remembered, and nothing of it where nobody asked."""

from pathlib import Path

import pytest
from local.small_stack import BASE, clone

from mcp_local import clients, control
from mcp_local.allocation import allocate
from mcp_local.fill import Filler
from mcp_local.load import Stack
from mcp_local.place import Place, place, prepare, remember
from mcp_local.plan import plan
from mcp_local.secret_files import Secrets

TLS = """
[services.tls]
when = "tls"
fronts = ["gateway", "issuer"]
process = { command = ["{python}", "{root}/dummy.py", "{gateway}={url:gateway}"], health = "/healthz" }
"""


def clone_with_tls(folder: Path) -> Path:
    return clone(folder, base=BASE + TLS)


def asked(root: Path, **environ: str) -> Place:
    return place(environ, root)


def test_without_a_word_the_stack_is_plain_http(tmp_path: Path) -> None:
    root = clone_with_tls(tmp_path / "c")
    here = asked(root)
    assert here.gateway == "http://localhost:8080"
    assert here.issuer == "http://localhost:8081/realms/mcp"
    assert "tls" not in {part.name for part in Stack(here).plan.parts}
    assert clients.trust(here) == ()


def test_https_has_public_ports_of_its_own(tmp_path: Path) -> None:
    root = clone_with_tls(tmp_path / "c")
    here = asked(root, STACK_TLS="1")
    assert here.gateway == "https://localhost:8443"
    assert here.issuer == "https://localhost:8444/realms/mcp"
    chosen = asked(root, STACK_TLS="1", STACK_GATEWAY_PORT="9443")
    assert chosen.gateway == "https://localhost:9443"
    assert any(str(here.certificates / "ca.pem") in line for line in clients.trust(here))


@pytest.mark.parametrize("text", ["yes", "true", "2"])
def test_another_word_for_it_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match="TLS must be 1 or 0"):
        asked(clone(tmp_path / "c"), STACK_TLS=text)


def test_commands_that_follow_find_the_stack_as_it_was_started(tmp_path: Path) -> None:
    root = clone_with_tls(tmp_path / "c")
    here = asked(root, STACK_TLS="1")
    prepare(here)
    assert not asked(root).tls, "asking alone starts nothing"
    remember(here)
    assert asked(root).tls
    plain = asked(root, STACK_TLS="0")
    assert not plain.tls
    remember(plain)
    assert not asked(root).tls


def test_the_supervisor_is_told(tmp_path: Path) -> None:
    root = clone_with_tls(tmp_path / "c")
    for word, tls in (("1", True), ("0", False)):
        told = control.environment(asked(root, STACK_TLS=word))
        assert place(told).tls is tls


def test_gateway_and_issuer_get_inner_ports_behind_it(tmp_path: Path) -> None:
    root = clone_with_tls(tmp_path / "c")
    here = asked(root, STACK_TLS="1", STACK_GATEWAY_PORT="18443", STACK_ISSUER_PORT="18444")
    prepare(here)
    # as a plain stack left them: its public ports must not become inner ones
    (here.run / "ports.json").write_text('{"gateway": 8080, "issuer": 18444}')
    found = plan(root, here.choices)
    ports = allocate(here, found)
    assert {ports["gateway"], ports["issuer"], ports["tls"]}.isdisjoint({8080, 18443, 18444})
    filler = Filler(here, found, ports, Secrets(here.secrets))
    words = filler.command(found.part("tls").command, found.part("tls"))
    assert words[-1] == f"https://localhost:18443=http://127.0.0.1:{ports['gateway']}"
    assert filler.fill("{proxies}", found.part("gateway")) == "1"


def test_nothing_is_in_front_of_a_plain_stack(tmp_path: Path) -> None:
    root = clone_with_tls(tmp_path / "c")
    here = asked(root)
    filler = Filler(here, plan(root), {}, Secrets(here.secrets))
    assert filler.fill("{proxies}", filler.plan.part("gateway")) == "0"


def test_a_stack_starts_anew_when_it_is_asked_for_tls(tmp_path: Path) -> None:
    root = clone_with_tls(tmp_path / "c")
    here, plain = asked(root, STACK_TLS="1"), asked(root, STACK_TLS="0")
    assert control.fingerprint(here, plan(root, here.choices)) != control.fingerprint(
        plain, plan(root, plain.choices)
    )
