"""The stack in containers: what validators say about infra/compose. None of them starts it."""

import shutil
import tempfile
from pathlib import Path

from infra_checks import scripts
from infra_checks.bench import Bench, NotRunError, complaints
from infra_checks.check import Check, Ran
from mcp_local.private_ca import issue

FOLDER = "infra/compose"
FILE = f"{FOLDER}/compose.yaml"
RULES = "infra/checks/yamllint.yaml"
LOADER = "infra/checks/compose_loader"
LIBRARY = "github.com/compose-spec/compose-go/v2"
BUILT = ".cache/compose-loader"


def yamllint(bench: Bench) -> Ran:
    tool = bench.tool("yamllint")
    done = bench.run(tool, "--strict", "--config-file", RULES, FOLDER)
    return Ran(FOLDER, (bench.said(tool, "--version"),), complaints(done))


def schema(bench: Bench) -> Ran:
    tool = bench.tool("check-jsonschema")
    done = bench.run(tool, "--builtin-schema", "vendor.compose-spec", FILE)
    return Ran(FILE, (bench.said(tool, "--version"),), complaints(done))


def loader(bench: Bench) -> Ran:
    """Built once from the modules its go.sum names by hash."""
    go = bench.found("go", "the loader is built with it")
    env = {"GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
    program = bench.root / BUILT / "composeloader"
    built = bench.run(go, "build", "-o", program, ".", env=env, folder=bench.root / LOADER)
    if built.returncode != 0:
        words = complaints(built)
        raise NotRunError(f"the loader could not be built: {words[-1]}")
    done = bench.run(program, FILE)
    version = bench.run(go, "list", "-m", LIBRARY, env=env, folder=bench.root / LOADER)
    return Ran(FILE, (version.stdout.strip().rpartition("/compose-spec/")[2],), complaints(done))


def engine(bench: Bench) -> Ran:
    docker = bench.found("docker", "its Compose plugin reads the file without starting anything")
    version = bench.run(docker, "compose", "version")
    if version.returncode != 0:
        raise NotRunError("docker has no Compose plugin here")
    done = bench.run(docker, "compose", "--file", FILE, "config", "--quiet")
    return Ran(FILE, (version.stdout.strip(),), complaints(done))


def caddy(bench: Bench) -> Ran:
    """With a certificate made for the occasion in the place of the one it will be given."""
    tool = bench.tool("caddy")
    file = bench.root / FOLDER / "proxy" / "Caddyfile"
    folder = Path(tempfile.mkdtemp(prefix="caddy-"))
    try:
        authority = issue(folder)
        text = file.read_text("utf-8").replace("/run/secrets/", f"{authority.folder}/")
        (folder / "Caddyfile").write_text(text)
        done = bench.run(
            tool, "validate", "--adapter", "caddyfile", "--config", folder / "Caddyfile",
            env={"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)},
        )  # fmt: skip
    finally:
        shutil.rmtree(folder)
    found = complaints(done)[-1:] + tuple(complaints(bench.run(tool, "fmt", "--diff", file)))
    return Ran(bench.shown(file), (f"Caddy {bench.said(tool, 'version').split()[0]}",), found)


CHECKS = (
    Check("yamllint", "every YAML file there is well-formed and has no key twice", yamllint),
    Check("schema", "compose.yaml has the keys and types of the Compose specification", schema),
    Check("loader", "the library of Docker Compose resolves all of it: names, merges", loader),
    Check("docker compose", "your own Compose takes the file as it is", engine),
    Check("caddy", "the proxy's file is valid with a certificate in place, and formatted", caddy),
    scripts.of(FOLDER),
)
