"""The first month on one VM: its settings are those that the programs read, and those of the plan for AWS."""

import configparser
import json
import re
import shlex
from typing import Any

import pytest
from infra.terraform.tree import FOLDER

from mcp_gateway.configuration.settings import Settings as GatewaySettings
from mcp_shared.settings import ServerSettings

UNITS = FOLDER / "one-vm" / "units"
# where telemetry goes is the machine's own affair, and a collector is not part of the page
ELSEWHERE = {
    "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_BSP_SCHEDULE_DELAY", "OTEL_METRIC_EXPORT_INTERVAL",
}  # fmt: skip


def settings(name: str) -> dict[str, str]:
    found = {}
    for line in (UNITS / f"{name}.env").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found[key] = "".join(shlex.split(value)) if value.startswith("'") else value
    return found


def test_there_is_a_file_for_every_process(plan: dict[str, Any]) -> None:
    assert {file.stem for file in UNITS.glob("*.env")} == set(plan["processes"])


def test_each_process_is_given_what_it_is_given_in_aws(plan: dict[str, Any]) -> None:
    for name, process in plan["processes"].items():
        given = settings(name)
        assert set(given) - {"MODULE", "START_FILES"} == set(process["environment"]) - ELSEWHERE, (
            name
        )
        asked = set(re.findall(r"SECRET_[A-Z0-9_]+", json.dumps(given)))
        assert asked == set(process["secrets"]), name
        assert process["command"] == ["{python}", "-m", given["MODULE"]]
    assert json.loads(settings("gateway")["START_FILES"]) == plan["processes"]["gateway"]["files"]


def test_the_programs_read_their_settings(
    plan: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = settings("gateway")
    for key, value in given.items():
        monkeypatch.setenv(key, value)
    gateway = GatewaySettings()
    assert set(gateway.upstreams) == set(plan["processes"]) - {"gateway"}
    assert gateway.trusted_proxies == 1
    for name, address in gateway.upstreams.items():
        for key, value in settings(name).items():
            monkeypatch.setenv(key, value)
        server = ServerSettings()
        assert address == f"http://127.0.0.1:{server.port}/mcp"
        assert server.host == "127.0.0.1"
        assert server.issuer == gateway.issuer
        assert server.callers == {
            f"{gateway.public_url}/mcp",
            f"{gateway.public_url}/servers/{name}/mcp",
        }


def test_the_unit_gives_a_process_nothing_it_does_not_need() -> None:
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(UNITS / "mcp@.service")
    service = dict(unit["Service"])
    assert service["User"] == "mcp"
    assert service["NoNewPrivileges"] == service["PrivateTmp"] == service["ProtectHome"] == "yes"
    assert service["ProtectSystem"] == "strict"
    assert service["CapabilityBoundingSet"] == ""
    assert service["TemporaryFileSystem"].startswith("/dev/shm:")  # where start.py writes keys
    words = service["ExecStart"].split()
    assert (FOLDER.parents[1] / words[1]).is_file()
    assert words[2:] == ["{python}", "-m", "${MODULE}"]
    assert int(service["TimeoutStopSec"]) >= 45
