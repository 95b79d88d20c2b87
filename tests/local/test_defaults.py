"""What every process gets by default, and a part that the environment makes unnecessary."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from local.small_stack import BASE, clone
from local.test_plan import filler_of
from local.test_supervisor import board_of, environment_of, started

from mcp_local import control, environment, stack_file
from mcp_local.plan import plan
from mcp_local.stack_toml import StackTomlError

TELEMETRY = """
[services.telemetry]
unless = "A_COLLECTOR"
process = { command = ["{python}", "{root}/dummy.py"], health = "/healthz" }

[parts.env]
A_COLLECTOR = "{url:telemetry}"
COLOUR = "green"
"""


def test_a_default_stands_below_the_users_environment_and_the_part_above_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = 'env = { COLOUR = "red" }\n[process]\ncommand = ["x"]\n'
    root = clone(tmp_path / "c", {"alpha": server}, base=BASE + TELEMETRY)
    filler = filler_of(root, {"telemetry": 18009, "alpha": 18001, "gateway": 18002})
    alpha, gateway = filler.plan.part("alpha"), filler.plan.part("gateway")
    monkeypatch.delenv("A_COLLECTOR", raising=False)
    monkeypatch.setenv("COLOUR", "blue")
    assert environment.of_process(gateway, filler)["COLOUR"] == "blue"
    assert environment.of_process(alpha, filler)["COLOUR"] == "red"
    assert environment.of_process(gateway, filler)["A_COLLECTOR"] == "http://127.0.0.1:18009"
    monkeypatch.setenv("A_COLLECTOR", "https://collector.example")
    assert environment.of_process(gateway, filler)["A_COLLECTOR"] == "https://collector.example"


def test_the_part_runs_and_is_named_unless_the_environment_has_its_own(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = clone(run_folder / "telemetry", base=BASE + TELEMETRY)
    monkeypatch.delenv("A_COLLECTOR", raising=False)
    with started(root) as here:
        control.wait_ready(here, lambda _: None, 30)
        ours = json.loads(here.stack.read_text())["telemetry"]
        assert ours == f"http://127.0.0.1:{board_of(here).parts['telemetry'].port}"
        assert environment_of(here.gateway_port)["A_COLLECTOR"] == ours
    before = control.fingerprint(here, plan(root))
    monkeypatch.setenv("A_COLLECTOR", "https://collector.example")
    assert control.fingerprint(here, plan(root)) != before, "`make up` starts anew"
    with started(root) as here:
        control.wait_ready(here, lambda _: None, 30)
        idle = board_of(here).parts["telemetry"]
        assert (idle.status, idle.pid, idle.port) == ("prepared", None, None)
        assert "A_COLLECTOR" in idle.detail
        assert json.loads(here.stack.read_text())["telemetry"] is None
        assert environment_of(here.gateway_port)["A_COLLECTOR"] == "https://collector.example"


def test_a_stack_without_telemetry_names_none(tmp_path: Path) -> None:
    assert stack_file.telemetry(filler_of(clone(tmp_path / "c"))) is None


def test_a_misspelt_table_of_defaults_is_named(tmp_path: Path) -> None:
    base = BASE + TELEMETRY.replace("[parts.env]", "[parts.environment]")
    with pytest.raises(StackTomlError, match=r"parts\.environment"):
        plan(clone(tmp_path / "c", base=base))


def test_the_stack_of_this_repository_exports_to_its_own_part() -> None:
    """Every process that exports must reach the part; the part itself must not export to itself."""
    found = plan(Path(__file__).parents[2])
    assert found.part("telemetry").unless == "OTEL_EXPORTER_OTLP_ENDPOINT"
    assert found.defaults["OTEL_EXPORTER_OTLP_ENDPOINT"] == "{url:telemetry}"
    assert all("telemetry" not in part.needs for part in found.parts), "nothing waits for it"
    imported = "import sys, sandbox_telemetry.app; sys.exit('opentelemetry.sdk' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", imported], check=False).returncode == 0
