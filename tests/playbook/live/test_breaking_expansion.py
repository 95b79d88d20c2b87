"""Week 4, and what was rehearsed: each check fails when expansion outruns its promises."""

import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playbook.live.conftest import ROOT, Through
from playbook.live.test_breaking_servers import Tool, kit, listing
from playbook.live.verdicts import fails, passes, waits

from mcp_gateway.configuration.settings import Server
from mcp_local import advisories
from mcp_playbook.checks import week_3_rehearsed, week_4
from mcp_playbook.deployment import Deployment
from mcp_playbook.drill import DRILLS, FOLDER, Record
from mcp_playbook.upgrade import ownership


async def test_W4_01_passes_and_fails_when_lists_grow(through: Through, at: Deployment) -> None:
    def long(tools: list[Tool]) -> list[Tool]:
        return [{**tool, "description": tool["description"] * 40} for tool in tools]

    await passes(week_4.budget, at)
    async with through(listing(long)) as broken:
        await fails(week_4.budget, broken, "tokens for")


async def test_W4_02_passes_and_fails_with_twins(through: Through, at: Deployment) -> None:
    def doubled(tools: list[Tool]) -> list[Tool]:
        twin = {**tools[0], "name": f"{tools[0]['name']}s"}
        return [*tools, twin]

    await passes(week_4.unlike, at)
    async with through(listing(doubled)) as broken:
        await fails(week_4.unlike, broken, "are alike")


async def test_W4_03_passes_and_fails_when_the_template_loses_a_part(
    at: Deployment, tmp_path: Path
) -> None:
    """The whole checkout, linked; the template, copied and changed."""
    await passes(week_4.template, at)
    for entry in ROOT.iterdir():
        if entry.name != "playbook":
            (tmp_path / entry.name).symlink_to(entry)
    (tmp_path / "playbook").mkdir()
    template = tmp_path / "playbook" / "template"
    shutil.copytree(ROOT / "playbook" / "template", template)
    (tool,) = (template / "rest").rglob("find_*.py.jinja")
    tool.write_text(tool.read_text().replace("Not for:", "Otherwise"))
    await fails(week_4.template, kit(at, root=tmp_path), "Not for")


async def test_W4_04_passes_and_fails_for_a_server_nobody_vetted(
    at: Deployment, tmp_path: Path
) -> None:
    await passes(week_4.vetted, at)
    assert at.kit
    foreign = Server(name="theirs", folder=tmp_path / "theirs", resource="http://theirs.internal")
    await fails(week_4.vetted, kit(at, servers=(*at.kit.servers, foreign)), "theirs")


def rehearsed(folder: Path, names: list[str], *, passed: bool = True, days: int = 0) -> None:
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    for name in names:
        record = Record(
            name=name, date=datetime.now(UTC) - timedelta(days=days), commit="abc", passed=passed,
            seconds=1.0, expectations=(), timeline=(), facts={},
        )  # fmt: skip
        (folder / FOLDER / f"{name}.json").write_text(record.model_dump_json())


READY = [one.name for one in DRILLS if one.state == "ready"]


async def test_W4_06_waits_passes_and_fails_with_the_drills(at: Deployment) -> None:
    assert at.kit
    await waits(week_4.drills, at, f"never run here: {', '.join(READY)}")
    rehearsed(at.kit.evidence, READY[1:])
    await waits(week_4.drills, at, f"never run here: {READY[0]}")
    rehearsed(at.kit.evidence, READY)
    await passes(week_4.drills, at)
    rehearsed(at.kit.evidence, READY[:1], days=91)
    await waits(week_4.drills, at, "91 days ago")
    rehearsed(at.kit.evidence, READY[:1], passed=False)
    await fails(week_4.drills, at, "did not go as it should")


async def test_W4_06_fails_when_a_drill_has_no_page(at: Deployment, tmp_path: Path) -> None:
    await fails(week_4.drills, kit(at, root=tmp_path), "has no page")


async def test_W3_21_waits_passes_and_fails_with_the_outages(at: Deployment) -> None:
    assert at.kit
    await waits(week_3_rehearsed.rehearsed, at, "never run here: ledger-down, valkey-down")
    rehearsed(at.kit.evidence, list(week_3_rehearsed.OUTAGES))
    await passes(week_3_rehearsed.rehearsed, at)
    rehearsed(at.kit.evidence, ["valkey-down"], passed=False)
    await fails(week_3_rehearsed.rehearsed, at, "valkey-down did not go")


def validated(folder: Path, days: int = 0, **words: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    date = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="seconds")
    (folder / week_4.INFRA).write_text(json.dumps({"date": date, "checks": words}))


async def test_W4_07_waits_passes_and_fails_with_the_validators(at: Deployment) -> None:
    assert at.kit
    await waits(week_4.infrastructure, at, "never run here")
    validated(at.kit.evidence, hadolint="clean", checkov="not run")
    assert "not run: checkov" in (await passes(week_4.infrastructure, at)).evidence
    validated(at.kit.evidence, days=31, hadolint="clean")
    await waits(week_4.infrastructure, at, "31 days ago")
    validated(at.kit.evidence, hadolint="not run")
    await waits(week_4.infrastructure, at, "no validator")
    validated(at.kit.evidence, hadolint="found", checkov="clean")
    await fails(week_4.infrastructure, at, "findings: hadolint")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[servers.other]\nteam = 'x'\nreach = 'y'\n", "says nobody for"),
        ("[servers", "owners.toml"),
    ],
)
async def test_W4_08_passes_and_fails_without_an_owner(
    at: Deployment, tmp_path: Path, text: str, words: str
) -> None:
    await passes(week_4.owners, at)
    await waits(week_4.owners, kit(at, root=tmp_path), "there is no")
    (tmp_path / "playbook").mkdir()
    (tmp_path / "playbook" / "owners.toml").write_text(text)
    await fails(week_4.owners, kit(at, root=tmp_path), words)


async def test_W4_09_fails_without_a_hash_or_with_an_advisory_and_waits_without_a_database(
    at: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("starlette==1.10.0 \\\n    --hash=sha256:aa\nh11==0.1\n")
    await fails(week_4.dependencies, kit(at, root=tmp_path), "without a hash: h11==0.1")
    (tmp_path / advisories.FLOORS).parent.mkdir(parents=True)
    (tmp_path / advisories.FLOORS).write_text(
        "[h11]\nfloor = '0.16'\nbecause = 'smuggling'\nadvisories = ['GHSA-1']\n"
    )
    lock.write_text("h11==0.1 \\\n    --hash=sha256:aa\n")
    await fails(week_4.dependencies, kit(at, root=tmp_path), "GHSA-1")
    answers = [advisories.Audit("not checked", ("no database",)), advisories.Audit("none known")]
    monkeypatch.setattr(advisories, "audit", lambda _: answers.pop(0))
    await waits(week_4.dependencies, at, "no database")
    await passes(week_4.dependencies, at)


async def test_W4_10_passes_for_the_local_stack_and_fails_for_a_deployment_like_it(
    at: Deployment,
) -> None:
    assert at.kit
    await passes(week_4.production, at)
    theirs = kit(at, issuer=None)
    await fails(week_4.production, theirs, "production")
    await waits(week_4.production, kit(at, gateway_env=None), "settings are not here")


async def test_W4_10_fails_when_production_takes_anything(at: Deployment, tmp_path: Path) -> None:
    """A gateway whose check finds nothing wrong with a development stack."""
    (tmp_path / "mcp_gateway").mkdir()
    (tmp_path / "mcp_gateway" / "__init__.py").touch()
    (tmp_path / "mcp_gateway" / "__main__.py").write_text("print('fine')\n")
    assert at.kit
    assert at.kit.gateway_env
    env = {**at.kit.gateway_env, "PYTHONPATH": str(tmp_path)}
    await fails(week_4.production, kit(at, gateway_env=env), "pass for production")


def git(folder: Path, *words: str) -> None:
    settings = ["-c", "user.name=A", "-c", "user.email=a@larkfield.example"]
    subprocess.run(["git", *settings, *words], cwd=folder, check=True, capture_output=True)


async def test_W4_11_waits_without_a_version_passes_with_one_and_fails_for_what_is_nobodys(
    at: Deployment, tmp_path: Path
) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "playbook").mkdir()
    owned = tmp_path / ownership.FILE
    shutil.copy(ROOT / ownership.FILE, owned)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "The kit")
    here = kit(at, root=tmp_path)
    await waits(week_4.upgradable, here, "not known")
    git(tmp_path, "tag", "v0.1.0")
    assert "0 of the kit's files" in (await passes(week_4.upgradable, here)).evidence
    (tmp_path / "stray.bin").write_text("x")
    git(tmp_path, "add", "-A")
    await fails(week_4.upgradable, here, "stray.bin")
    owned.write_text("[[rule]")
    await fails(week_4.upgradable, here, ownership.FILE)
