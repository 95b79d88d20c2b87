"""The official suite against the gateway, both eras, with nothing between but the token proxy."""

from pathlib import Path

import pytest
import yaml
from conformance.suite import Suite

HERE = Path(__file__).parent
# how many scenarios each set requires of a server; more are run and shown, but not scored
REQUIRED = {"2026-07-28": 37, "2025-11-25": 30}


def expected(requirements: str) -> Path:
    return HERE / f"expected-{requirements}.yml"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("requirements", sorted(REQUIRED))
async def test_the_official_suite_passes_through_the_gateway(
    requirements: str,
    url: str,
    official: Suite,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What fails is listed with its reason; what is listed and passes fails the run, as stale."""
    report = await official(url, requirements, expected(requirements), tmp_path / "out")
    with capsys.disabled():
        print(f"\n\nrequirement set {requirements}, exit status {report.status}")
        print(report.table())
    assert len(report.scenarios) >= REQUIRED[requirements], report.output
    assert report.status == 0, report.output[-6000:]


@pytest.mark.timeout(300)
async def test_an_entry_that_passes_fails_the_run(
    url: str, official: Suite, tmp_path: Path
) -> None:
    listed = yaml.safe_load(expected("2025-11-25").read_text("utf-8"))["server"]
    stale = tmp_path / "stale.yml"
    stale.write_text(yaml.safe_dump({"server": [*listed, "ping"]}))
    report = await official(url, "2025-11-25", stale, tmp_path / "out")
    assert report.status == 1
    assert "stale" in report.output.lower()


def test_nothing_the_modern_protocol_requires_is_expected_to_fail() -> None:
    assert yaml.safe_load(expected("2026-07-28").read_text("utf-8")) == {"server": []}


def test_what_is_expected_to_fail_has_its_reason_above_it() -> None:
    reason = False
    for line in expected("2025-11-25").read_text("utf-8").splitlines():
        text = line.strip()
        if line.startswith("server:"):
            reason = False
        elif text.startswith("#"):
            reason = True
        elif text:
            assert reason, f"{text} has no reason"
