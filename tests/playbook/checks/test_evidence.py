"""The dated files: what they say, and that nothing a deployment says can change how they read."""

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from mcp_playbook import evidence
from mcp_playbook.checks.check import Check, Failed, NotYet, Outcome
from mcp_playbook.checks.run import outcome, run
from mcp_playbook.deployment import Deployment

NOWHERE = Deployment("nowhere", "http://127.0.0.1:9", ())
HOSTILE = "<script>alert(1)</script> | `x` [a](javascript:b) \n# heading"


def check(name: str, run: object) -> Check:
    return Check(name, "kit", "Something is so", ("CC6.1",), run)  # type: ignore[arg-type]


async def fine(_: Deployment) -> str:
    return "seen"


async def wrong(_: Deployment) -> str:
    raise Failed(HOSTILE, do="mend it")


async def unknown(_: Deployment) -> str:
    raise NotYet("nobody knows", do="build it")


async def broken(_: Deployment) -> str:
    return str(1 / 0)


async def outcomes() -> list[Outcome]:
    runs = (fine, wrong, unknown, broken)
    checks = [check(f"W1-0{number}", run) for number, run in enumerate(runs, 1)]
    return await run(checks, NOWHERE)


async def test_a_check_that_breaks_is_a_failure_and_stops_no_other() -> None:
    found = await outcomes()
    assert [one.state for one in found] == ["pass", "fail", "not yet", "fail"]
    assert "the check itself broke: ZeroDivisionError" in found[-1].evidence


async def test_a_check_that_never_ends_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    async def endless(_: Deployment) -> str:
        await asyncio.sleep(3600)
        return "never"

    monkeypatch.setattr("mcp_playbook.checks.run.SECONDS", 0.05)
    assert (await outcome(check("W1-09", endless), NOWHERE)).state == "fail"


async def test_three_files_of_one_run_say_the_same(tmp_path: Path) -> None:
    made = evidence.Evidence(1, "here", "2026-11-25T10:00:00+00:00", "abc", "p1", await outcomes())
    files = {file.suffix: file for file in evidence.write(made, tmp_path)}
    assert sorted(file.name for file in files.values()) == [
        "2026-11-25-week-1.html", "2026-11-25-week-1.json", "2026-11-25-week-1.md",
    ]  # fmt: skip
    document = json.loads(files[".json"].read_text())
    assert document["counts"] == {"pass": 1, "fail": 2, "not yet": 1}
    assert document["commit"] == "abc"
    assert [one["state"] for one in document["checks"]] == ["pass", "fail", "not yet", "fail"]
    for kind in (".md", ".html"):
        text = files[kind].read_text()
        for one in document["checks"]:
            assert one["id"] in text
        assert "never a statement that they are met" in text


async def test_a_second_run_of_a_day_overwrites_nothing(tmp_path: Path) -> None:
    made = evidence.Evidence(2, "here", "2026-11-25T10:00:00+00:00", "abc", "p1", [])
    first, second = evidence.write(made, tmp_path), evidence.write(made, tmp_path)
    assert not set(first) & set(second)
    assert {file.stem for file in second} == {"2026-11-25-week-2-2"}


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, _: object) -> None:
        self.seen.add(tag)


async def test_what_a_deployment_says_stays_text(tmp_path: Path) -> None:
    made = evidence.Evidence(1, HOSTILE, "2026-11-25T10:00:00+00:00", "a", "p", await outcomes())
    page, text = ("", "")
    for file in evidence.write(made, tmp_path):
        page = file.read_text() if file.suffix == ".html" else page
        text = file.read_text() if file.suffix == ".md" else text
    tags = Tags()
    tags.feed(page)
    assert "script" not in tags.seen
    rows = [line for line in text.splitlines() if line.startswith("| W1-")]
    assert len(rows) == 4
    assert all(row.replace("\\|", "").count("|") == 8 for row in rows)
    assert "\n# heading" not in text
    assert "<script>" not in text
