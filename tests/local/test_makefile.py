"""What `make` prints is a page people read, and a command without its words says which it needs."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
WIDTH = 120  # of a terminal beside an editor
# as a person's shell has it: without what this test run's own make hands on
TAKEN = set(re.findall(r"\$[({]*([A-Z][A-Z_]+)", MAKEFILE))
CLEAN = {
    key: value
    for key, value in os.environ.items()
    if key not in TAKEN and not key.startswith(("MAKE", "MFLAGS", "WSL_"))
}


def made(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    # nothing is out of date for this make: it must not build an environment
    command = ["make", "--no-print-directory", "-o", ".venv/ready", *words]
    return subprocess.run(
        command, cwd=ROOT, env={**CLEAN, **environment},
        check=False, capture_output=True, text=True,
    )  # fmt: skip


def test_every_command_is_on_the_page_in_a_line_that_fits() -> None:
    page = made().stdout
    declared = {
        name
        for line in re.findall(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)
        for name in line.split()
    }
    assert set(re.findall(r"^  make (\S+)", page, re.MULTILINE)) == declared
    assert not [line for line in page.splitlines() if len(line) > WIDTH]


def test_the_page_has_a_heading_for_every_section() -> None:
    headings = re.findall(r"^# --- (.+)$", MAKEFILE, re.MULTILINE)
    assert len(headings) > 4
    assert set(headings) <= set(made().stdout.splitlines())


@pytest.mark.parametrize(
    "target", sorted(set(re.findall(r"^([a-z-]+):.*\n\t\$\(call need", MAKEFILE, re.MULTILINE)))
)
def test_a_command_without_its_words_shows_its_line_of_the_page(target: str) -> None:
    done = made(target)
    assert done.returncode == 2
    line = next(one for one in made().stdout.splitlines() if one.startswith(f"  make {target} "))
    assert line.removeprefix(f"  make {target}").strip() in done.stderr
    assert "=… is missing" in done.stderr


def test_the_name_that_wsl2_gives_a_machine_is_no_argument() -> None:
    assert "NAME=… is missing" in made("restart", NAME="DESKTOP-1", WSL_DISTRO_NAME="Debian").stderr
    shown = ("--eval", 'shown: ; @echo "<$$NAME>"', "shown", "NAME=gateway")
    assert made(*shown, NAME="DESKTOP-1", WSL_DISTRO_NAME="Debian").stdout == "<gateway>\n"


def test_a_word_on_the_command_line_is_a_word_to_the_shell_and_no_command() -> None:
    told = made("-n", "why", "PERSON=$$(id)", 'TOOL=x" ; id "').stdout
    assert '--person "$PERSON" --tool "$TOOL"' in told
    assert not re.findall(r'"\$\([A-Z]+\)"', MAKEFILE)
