"""Imports point one way: gateway → shared ← server. No server knows another; none knows the gateway."""

import re
import sys
from pathlib import Path

import pytest
from architecture.tree import ROOT, files, imports, listed, package_of, packages, python

OURS = {
    "mcp_gateway", "mcp_shared", "mcp_local", "seed_warehouse", "sandbox_crm", "sandbox_idp",
    "sandbox_demo", "mcp_playbook", "sandbox_telemetry", "mcp_compose",
    "in_image", "infra_checks", "mcp_realm",
}  # fmt: skip

IMPURE = {"time", "secrets", "socket", "asyncio", "os", "httpx2", "asyncpg", "redis"}


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def servers() -> set[str]:
    return {package_of(folder) for folder in listed().values()}


def test_the_shared_library_knows_no_room() -> None:
    for path in python("shared/src"):
        assert not packages(imports(path)) & ((OURS - {"mcp_shared"}) | servers()), shown(path)


def test_the_gateway_knows_shared_and_nothing_else_of_ours() -> None:
    for path in python("gateway/src"):
        foreign = packages(imports(path)) & ((OURS | servers()) - {"mcp_gateway", "mcp_shared"})
        assert not foreign, f"{shown(path)} imports {foreign}"


@pytest.mark.parametrize("name", sorted(listed()))
def test_a_server_knows_shared_and_itself(name: str) -> None:
    own = package_of(listed()[name])
    for path in (listed()[name] / "src").rglob("*.py"):
        foreign = packages(imports(path)) & ((OURS | servers()) - {own, "mcp_shared"})
        assert not foreign, f"{path} imports {foreign}"


def test_nothing_imports_the_playbook_but_itself() -> None:
    """It looks at a deployment from outside; nothing in production may need it."""
    for path in python("shared/src", "gateway/src", "servers", "infra"):
        assert "mcp_playbook" not in packages(imports(path)), shown(path)


def test_product_code_names_no_demo_server() -> None:
    """A new server is a folder and a line; code that knows the old ones would break that."""
    named = re.compile(rf"""["'](?:{"|".join(sorted(listed()))})["'_/](?!SECURITY)""")
    for path in python("shared/src", "gateway/src", "infra/local/src", "playbook/src"):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if named.search(line.partition("#")[0]):
                pytest.fail(f"{shown(path)}:{number} names a server: {line.strip()}")


def test_a_grant_is_made_only_by_authorize_and_a_receipt_only_by_the_recorder() -> None:
    """The types are proofs; whoever can build one can skip the step it proves."""
    makers = {"Grant": "authorize.py", "Receipt": "record.py"}
    for path in python("gateway/src/mcp_gateway"):
        text = path.read_text("utf-8")
        for proof, maker in makers.items():
            if re.search(rf"(?<![\w.]){proof}\(", text) and f"class {proof}" not in text:
                assert path.name == maker, f"{shown(path)} makes a {proof}"


def test_files_that_call_themselves_pure_touch_no_clock_network_or_state() -> None:
    pure = [
        path
        for path in python("gateway/src", "shared/src", "servers", "infra", "playbook")
        if re.search(r"\bPure[:.]", path.read_text("utf-8").partition("import ")[0])
    ]
    assert len(pure) > 10
    for path in pure:
        assert not packages(imports(path)) & IMPURE, shown(path)


def test_the_gateway_has_no_way_to_start_a_process() -> None:
    """CVE class "configuration to command over stdio": there is no spawn path to misconfigure."""
    for path in python("gateway/src", "shared/src"):
        assert not packages(imports(path)) & {"subprocess", "pty", "multiprocessing"}, shown(path)
        assert "os.system" not in path.read_text("utf-8"), shown(path)
        # the export's verifier alone, which serves nobody, spreads itself over the cores
        workers = "ProcessPoolExecutor" in path.read_text("utf-8")
        assert not workers or path.parent.name == "offline", shown(path)


def test_the_verifier_of_exports_needs_python_and_itself() -> None:
    """An auditor runs it without us, and can read all of it."""
    own = "mcp_gateway.audit.offline"
    wheels = {"orjson", "zstandard", "cryptography", "compression"}  # faster, where they are
    for path in python("gateway/src/mcp_gateway/audit/offline/"):
        for name in imports(path):
            known = name.partition(".")[0] in sys.stdlib_module_names | wheels
            assert known or name.startswith(own), f"{shown(path)} imports {name}"


def test_files_stay_small() -> None:
    """A file that outgrows this has two concerns; split it."""
    for path in python("shared/src", "gateway/src", "servers", "infra", "playbook/src"):
        lines = len(path.read_text("utf-8").splitlines())
        assert lines <= 300, f"{shown(path)} has {lines} lines"


def test_no_catch_all_modules() -> None:
    refused = {"utils.py", "common.py", "consts.py", "base.py", "helpers.py", "misc.py"}
    assert not [shown(path) for path in files() if path.name in refused]
