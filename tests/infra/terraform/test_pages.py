"""What the pages and the Dockerfile say, against what is there."""

import re
from pathlib import Path

import pytest
from infra.terraform.tree import FOLDER, ROOT, blocks

PAGES = sorted([*FOLDER.glob("**/*.md"), *(ROOT / "playbook/decisions").glob("0021-*.md")])


def test_the_sums_are_sums() -> None:
    rows = [
        [cell.strip(" *") for cell in line.split("|")]
        for line in (FOLDER / "costs.md").read_text("utf-8").splitlines()
        if re.match(r"\|.*\d \|$|\| \*\*Sum", line)
    ]
    lines, (total,) = (
        [row for row in rows if row[1] != "Sum"],
        [row for row in rows if row[1] == "Sum"],
    )
    assert len(lines) == 10
    for column in (3, 4, 5):
        assert sum(int(row[column]) for row in lines) == int(total[column])


def test_what_is_counted_is_what_the_sizes_say() -> None:
    text = (FOLDER / "costs.md").read_text("utf-8")
    sizes = (FOLDER / "modules/plan/sizes/main.tf").read_text("utf-8")
    for found in re.findall(r'class = "(?:db|cache)\.([^"]+)"', sizes):
        assert found in text, found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_line_of_prose_is_longer_than_a_screen(page: Path) -> None:
    long = [
        line for line in page.read_text("utf-8").splitlines() if len(line) > 125 and line[0] != "|"
    ]
    assert long == []


def test_the_page_says_that_nothing_was_applied() -> None:
    text = (FOLDER / "README.md").read_text("utf-8")
    assert "**Validated, not applied.**" in text
    assert (
        "check before you" in (FOLDER / "costs.md").read_text("utf-8").replace("each ", "").lower()
    )


def test_commands_name_modules_and_outputs_that_are_there() -> None:
    text = (FOLDER / "README.md").read_text("utf-8")
    outputs = {
        one.labels[0] for one in blocks() if one.kind == "output" and "prod" in one.file.parts
    }
    assert {"exposure", "flows", "secrets", "setups", "balancer"} <= outputs
    for name in re.findall(r"output `(\w+)`|tofu output -json (\w+)", text):
        assert "".join(name) in outputs, name


def test_keycloak_in_aws_is_the_keycloak_of_compose_but_for_its_cache() -> None:
    ours = (FOLDER / "images/keycloak.Dockerfile").read_text("utf-8")
    theirs = (ROOT / "infra/images/keycloak.Dockerfile").read_text("utf-8")

    def of(text: str, pattern: str) -> str:
        found = re.search(pattern, text, re.MULTILINE)
        assert found is not None, pattern
        return found[1]

    for pattern in (
        r"^ARG BASE=(\S+)$",
        r"KC_FEATURES=(\S+)",
        r"KC_DB=(\S+)",
        r"^ENTRYPOINT (.*)$",
    ):
        assert of(ours, pattern) == of(theirs, pattern)
    assert of(ours, r"KC_CACHE=(\S+)") == "ispn"  # several tasks, one session each person
    scripts = {path.name for path in (ROOT / "infra/images/keycloak").iterdir()}
    assert {"start.sh", "healthy.sh"} <= scripts
    keycloak = (FOLDER / "modules/stack/keycloak.tf").read_text("utf-8")
    volumes = re.findall(r'"(/[^"]+)"', of(ours, r"^VOLUME (.*)$"))
    assert of(keycloak, r"scratch\s+= \[(.*)\]") == ", ".join(f'"{path}"' for path in volumes)
