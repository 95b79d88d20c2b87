"""What a stack consists of is read from files, and a mistake in one names file and key."""

from pathlib import Path

import pytest
from local.small_stack import BASE, SERVER, clone

from mcp_gateway.configuration.settings import ConfigError
from mcp_local import control
from mcp_local.fill import Filler, databases, with_database, with_login
from mcp_local.plan import plan
from mcp_local.secret_files import Secrets
from mcp_local.stack import place_for_test
from mcp_local.stack_toml import StackTomlError


def filler_of(root: Path, ports: dict[str, int] | None = None) -> Filler:
    here = place_for_test(root / ".run", root)
    return Filler(here, plan(root), ports or {}, Secrets(here.secrets))


def test_every_part_comes_after_what_it_needs(tmp_path: Path) -> None:
    found = plan(clone(tmp_path / "c", {"alpha": SERVER, "beta": SERVER}))
    assert [part.name for part in found.parts][-1] == "gateway"
    assert [[part.name for part in group] for group in found.levels()][-1] == ["gateway"]


def test_a_server_may_lie_outside_the_clone(tmp_path: Path) -> None:
    root = clone(tmp_path / "c")
    (tmp_path / "elsewhere").mkdir()
    (root / "servers" / "alpha").rename(tmp_path / "elsewhere" / "omega")
    listing = root / "gateway" / "gateway.yaml"
    listing.write_text(listing.read_text().replace('"alpha"', '"../elsewhere/omega"'))
    (server,) = plan(root).servers()
    assert (server.name, server.folder) == ("omega", tmp_path / "elsewhere" / "omega")
    assert server.resource == "http://omega.internal/mcp"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[process]\ncomand = ['x']", "process.comand"),
        ("[process]\ncommand = []", "process.command"),
        ("[process]\ncommand = ['x']\nhealth = 'healthz'", "process.health"),
        ("[process]\ncommand = ['x']\nneeds = ['nothing']", "needs nothing"),
        ("[process]\ncommand = ['x']\nneeds = ['gateway']", "wait for each other"),
        ("[process]\ncommand = ['x']\nsandboxes = ['nowhere']", "nowhere"),
        ("[process", "stack.toml"),
    ],
)
def test_a_mistake_in_a_stack_file_is_named(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(StackTomlError, match=says):
        plan(clone(tmp_path / "c", {"alpha": text}))


def test_a_server_without_a_stack_file_is_named(tmp_path: Path) -> None:
    root = clone(tmp_path / "c")
    (root / "servers" / "alpha" / "stack.toml").unlink()
    with pytest.raises(StackTomlError, match=r"alpha/stack\.toml is missing"):
        plan(root)


def test_a_listed_server_that_does_not_exist_is_named(tmp_path: Path) -> None:
    root = clone(tmp_path / "c")
    listing = root / "gateway" / "gateway.yaml"
    listing.write_text(listing.read_text().replace('"alpha"', '"gone"'))
    with pytest.raises(ConfigError, match="gone"):
        plan(root)


def test_placeholders_are_filled_and_json_is_left_alone(tmp_path: Path) -> None:
    root = clone(tmp_path / "c")
    filler = filler_of(root, {"alpha": 18001, "postgres": 18002, "valkey": 18003})
    part = filler.plan.part("alpha")
    assert filler.fill("{name} {port} {url:alpha}", part) == "alpha 18001 http://127.0.0.1:18001"
    assert filler.fill('{"a": {"b": 1}}', part) == '{"a": {"b": 1}}'
    assert filler.fill("{issuer}", part).endswith("/realms/mcp")
    owner, reader = (
        filler.fill(t, part) for t in ("{postgres_admin:shop}", "{postgres:shop:clerk}")
    )
    assert owner.startswith("postgresql://postgres:")
    assert owner.endswith("@127.0.0.1:18002/shop")
    password = filler.fill("{secret:postgres-clerk}", part)
    assert reader == f"postgresql://clerk:{password}@127.0.0.1:18002/shop"


def test_a_placeholder_nobody_fills_is_named(tmp_path: Path) -> None:
    root = clone(tmp_path / "c")
    filler = filler_of(root)
    for text in ("{colour}", "{url:nobody}", "{secret}", "{postgres:only-a-database}"):
        with pytest.raises(StackTomlError, match="is not a placeholder of this stack"):
            filler.fill(text, filler.plan.part("alpha"))


def test_the_databases_of_a_part_are_the_ones_it_names(tmp_path: Path) -> None:
    text = SERVER.replace("env = {}", 'env = { A = "{postgres:shop:clerk}" }')
    text += '[[setup]]\ncommand = ["x"]\nenv = { B = "{postgres_admin:office}" }\n'
    root = clone(tmp_path / "c", {"alpha": text})
    assert databases(plan(root).part("alpha")) == {"shop", "office"}


def test_an_external_address_keeps_its_host_and_options() -> None:
    url = "postgresql://owner:p%40ss@db.example:6432/postgres?sslmode=require"
    assert with_database(url, "shop") == (
        "postgresql://owner:p%40ss@db.example:6432/shop?sslmode=require"
    )
    assert with_login(url, "clerk", "a/b") == (
        "postgresql://clerk:a%2Fb@db.example:6432/postgres?sslmode=require"
    )


def test_a_change_of_the_code_changes_what_make_up_compares(tmp_path: Path) -> None:
    root = clone(tmp_path / "c", base=BASE)
    here = place_for_test(tmp_path / "run", root)
    before = control.fingerprint(here, plan(root))
    assert control.fingerprint(here, plan(root)) == before
    tool = root / "servers" / "alpha" / "src" / "mcp_alpha" / "tool.py"
    tool.parent.mkdir(parents=True)
    tool.write_text("WORDS = 'new'\n")
    assert control.fingerprint(here, plan(root)) != before


def test_a_change_of_the_files_changes_the_fingerprint(tmp_path: Path) -> None:
    root = clone(tmp_path / "c", base=BASE)
    before = plan(root).fingerprint
    assert plan(root).fingerprint == before
    (root / "servers" / "alpha" / "stack.toml").write_text(SERVER.replace("/healthz", "/other"))
    assert plan(root).fingerprint != before
