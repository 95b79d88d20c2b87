"""The official suite against the gateway, both eras, with nothing between but the token proxy."""

from pathlib import Path

import pytest
from conformance.suite import Suite

HERE = Path(__file__).parent


@pytest.mark.timeout(300)
@pytest.mark.parametrize("requirements", ["2026-07-28", "2025-11-25"])
async def test_the_official_suite_passes_through_the_gateway(
    requirements: str,
    url: str,
    official: Suite,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What fails is listed with its reason; what is listed and passes fails the run, as stale."""
    expected = HERE / f"expected-{requirements}.yml"
    report = await official(url, requirements, expected, tmp_path / "out")
    with capsys.disabled():
        print(f"\n\nrequirement set {requirements}, exit status {report.status}")
        print(report.table())
    assert report.scenarios, report.output
    assert report.status == 0, report.output[-6000:]
