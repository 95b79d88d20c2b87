"""The checks of the workflows object to what they are there for, and to nothing in this repository."""

import json
import re
from pathlib import Path

import pytest

from infra_checks import workflows
from infra_checks.bench import Bench

ROOT = Path(__file__).parents[3]
COMMIT, OTHER = "a" * 40, "b" * 40
MAKEFILE = ".PHONY: up\nup: .venv/ready ## start\n\t@true\nweek-1 week-2:\n\t@true\nNAMES := x\n"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    (tmp_path / workflows.FOLDER).mkdir(parents=True)
    (tmp_path / "Makefile").write_text(MAKEFILE)
    return Bench(tmp_path)


def written(bench: Bench, *steps: str, name: str = "ci.yml") -> Bench:
    lines = "".join(f"      - {step}\n" for step in steps)
    (bench.root / workflows.FOLDER / name).write_text(f"jobs:\n  one:\n    steps:\n{lines}")
    return bench


@pytest.mark.parametrize(
    ("step", "says"),
    [
        ("uses: actions/checkout@v7", "not at a commit"),
        ("uses: actions/checkout@main # v7.0.1", "not at a commit"),
        (f"uses: actions/checkout@{COMMIT[:12]} # v7.0.1", "not at a commit"),
        ("uses: docker://alpine:3", "not at a commit"),
        (f"uses: actions/checkout@{COMMIT}", "no comment names its version"),
        (f"uses: actions/checkout@{COMMIT} # v7", "no comment names its version"),
        (f"uses: actions/checkout@{COMMIT} # pinned", "no comment names its version"),
    ],
)
def test_an_action_that_can_be_moved_is_a_finding(bench: Bench, step: str, says: str) -> None:
    (finding,) = workflows.pins(written(bench, step)).findings
    assert says in finding
    assert finding.startswith(".github/workflows/ci.yml:4: ")


def test_one_action_at_two_commits_is_a_finding(bench: Bench) -> None:
    written(bench, f"uses: a/b@{COMMIT} # v1.0.0")
    written(bench, f"uses: a/b@{OTHER} # v1.0.0", name="release.yml")
    (finding,) = workflows.pins(bench).findings
    assert "two commits" in finding


def test_a_pinned_action_and_a_local_one_are_clean(bench: Bench) -> None:
    written(bench, f"uses: a/b/c@{COMMIT} # v1.0.0", "uses: ./.github/actions/own", "run: make up")
    ran = workflows.pins(bench)
    assert ran.findings == ()
    assert ran.looked_at == "1 uses of 1 actions"


def test_a_command_that_the_makefile_has_not_is_a_finding(bench: Bench) -> None:
    written(bench, "run: make up TLS=1 && make week-2", "run: bash x; make dance")
    (finding,) = workflows.targets(bench).findings
    assert finding == ".github/workflows/ci.yml:5: the Makefile has no dance"


def test_what_a_step_is_called_is_no_command(bench: Bench) -> None:
    assert workflows.targets(written(bench, "name: make everybody happy")).findings == ()


def test_a_port_that_may_be_forwarded_as_another_is_a_finding() -> None:
    told = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    assert workflows.loose_ports(told) == []
    del told["portsAttributes"]["8081"]
    assert workflows.loose_ports(told) == [8081]


def test_the_workflows_here_are_pinned() -> None:
    ran = workflows.pins(Bench(ROOT))
    assert ran.findings == ()
    assert int(ran.looked_at.split()[0]) > 10


def test_the_update_bot_finds_the_npm_packages_that_tests_run() -> None:
    """It reads every package.json that lies in no folder of tests; each pins whole versions."""
    assert "npm" not in json.loads((ROOT / "renovate.json").read_text())
    folders = [path.parent for path in (ROOT / "infra/local/tools/npm").glob("*/package.json")]
    assert len(folders) >= 5
    for folder in folders:
        asked = json.loads((folder / "package.json").read_text())["dependencies"]
        assert (folder / "package-lock.json").is_file()
        assert all(re.fullmatch(r"\d+\.\d+\.\d+[\w.-]*", one) for one in asked.values())


def test_the_update_bot_reads_every_lock() -> None:
    told = json.loads((ROOT / "renovate.json").read_text())
    patterns = [re.compile(p.strip("/")) for p in told["pip_requirements"]["managerFilePatterns"]]
    locks = [
        path.relative_to(ROOT).as_posix()
        for path in (
            ROOT / "requirements.lock", ROOT / "infra/checks/tools.lock",
            ROOT / "infra/local/uv.txt", *(ROOT / "infra/local/tools").glob("*.txt"),
        )
    ]  # fmt: skip
    assert len(locks) >= 5
    for lock in locks:
        assert "--hash=sha256:" in (ROOT / lock).read_text()
        assert any(pattern.search(lock) for pattern in patterns), lock
