"""The official suite against the gateway, both eras, with nothing between but the token proxy."""

from pathlib import Path

import pytest
import yaml
from conformance import worth
from conformance.conftest import Stage
from conformance.suite import Suite
from conformance.worth import LEGACY, MODERN

HERE = Path(__file__).parent
# how many scenarios each set requires of a server; more are run and shown, but not scored
REQUIRED = {MODERN: 37, LEGACY: 30}


def expected(requirements: str) -> Path:
    return HERE / f"expected-{requirements}.yml"


def listed(requirements: str) -> set[str]:
    return set(yaml.safe_load(expected(requirements).read_text("utf-8"))["server"])


@pytest.mark.timeout(300)
@pytest.mark.parametrize("requirements", sorted(REQUIRED))
async def test_the_official_suite_passes_through_the_gateway(
    requirements: str,
    stage: Stage,
    official: Suite,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What fails is listed with its reason; what is listed and passes fails the run, as stale."""
    stage.server.seen.clear()
    report = await official(stage.url, requirements, expected(requirements), tmp_path / "out")
    with capsys.disabled():
        print(f"\n\nrequirement set {requirements}, exit status {report.status}")
        print(report.table())
        print(
            "tasks-*: this server has none; test_tasks_conformance.py passes them with one that has"
        )
    assert report.status == 0, report.output[-6000:]
    required = official.required(requirements)
    assert len(required) == REQUIRED[requirements]
    assert required & report.passed == required - listed(requirements)
    # a pass is worth something only where the server behind the gateway took part
    assert stage.used == worth.played(requirements)


@pytest.mark.timeout(300)
async def test_an_entry_that_passes_fails_the_run(
    stage: Stage, official: Suite, tmp_path: Path
) -> None:
    stale = tmp_path / "stale.yml"
    stale.write_text(yaml.safe_dump({"server": [*listed(LEGACY), "ping"]}))
    report = await official(stage.url, LEGACY, stale, tmp_path / "out")
    assert report.status == 1
    assert "stale" in report.output.lower()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("requirements", sorted(REQUIRED))
async def test_a_gateway_that_lets_nothing_through_does_not_pass(
    requirements: str,
    stage: Stage,
    official: Suite,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What passes for somebody who may use nothing says nothing of tools, prompts and resources."""
    monkeypatch.setattr(stage, "person", "ben")
    stage.server.seen.clear()
    report = await official(stage.url, requirements, expected(requirements), tmp_path / "out")
    assert report.status == 1
    assert stage.used == set()
    assert report.passed & official.required(requirements) <= worth.IDLE[requirements]


def test_nothing_the_modern_protocol_requires_is_expected_to_fail() -> None:
    assert listed(MODERN) == set()


def test_what_is_expected_to_fail_has_its_reason_above_it() -> None:
    reason = False
    for line in expected(LEGACY).read_text("utf-8").splitlines():
        text = line.strip()
        if line.startswith("server:"):
            reason = False
        elif text.startswith("#"):
            reason = True
        elif text:
            assert reason, f"{text} has no reason"
