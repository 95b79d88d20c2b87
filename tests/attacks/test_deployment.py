"""P02, P03, P05 as they concern containers: the Dockerfiles, what enters them, and compose.yaml.

The files are read as an attacker inside a container would profit from them. That an engine does what
they say is shown by running it; see infra/compose/README.md.
"""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from mcp_gateway.configuration.production import GUESSED

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "infra/compose/compose.yaml"
DOCKERFILES = sorted((ROOT / "infra/images").glob("*.Dockerfile"))
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text("utf-8"))["services"]
# who may have a capability back, and why
CAPABILITIES = {"proxy": ["NET_BIND_SERVICE"]}  # a file capability of the image's own program
HOST_PATHS = ("/", "/etc", "/proc", "/sys", "/var/run", "/run", "/var/lib/docker", "~", "$HOME")
SECRET_NAME = re.compile(
    r"PASSWORD|SECRET|TOKEN|PRIVATE|CREDENTIAL|_KEY$|DATABASE_URL|ADMIN_URL|REDIS_URL|LEDGER_URL",
    re.IGNORECASE,
)

every_service = pytest.mark.parametrize("name", sorted(SERVICES))
every_dockerfile = pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.name)


def stages(file: Path) -> list[list[tuple[str, str]]]:
    """Each stage as (instruction, words)."""
    text = re.sub(
        r"\\\n", " ", re.sub(r"^\s*#.*\n", "", file.read_text("utf-8"), flags=re.MULTILINE)
    )
    found: list[list[tuple[str, str]]] = []
    for line in text.splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            found.append([])
        if word and found:
            found[-1].append((word, rest.strip()))
    return found


def mounts(name: str) -> list[tuple[str, str, str]]:
    """(source, target, mode) of every volume."""
    return [(*str(one).split(":"), "rw")[:3] for one in SERVICES[name].get("volumes", ())]  # type: ignore[misc]


@every_service
def test_p05_no_container_runs_as_root(name: str) -> None:
    user, _, _ = str(SERVICES[name].get("user", "")).partition(":")
    assert user.isdecimal(), "a number: a name is looked up in the image"
    assert int(user) > 0


@every_service
def test_p05_the_root_file_system_is_read_only(name: str) -> None:
    assert SERVICES[name].get("read_only") is True
    for place in SERVICES[name].get("tmpfs", ()):
        assert "size=" in place, "memory that is written to has a bound"


@every_service
def test_p05_every_capability_is_dropped_and_none_can_be_gained(name: str) -> None:
    said = SERVICES[name]
    assert said.get("cap_drop") == ["ALL"]
    assert said.get("cap_add", []) == CAPABILITIES.get(name, [])
    assert "no-new-privileges:true" in said.get("security_opt", ())
    assert not [one for one in said["security_opt"] if "unconfined" in one or "disable" in one]


@every_service
def test_p05_nothing_of_the_host_is_shared(name: str) -> None:
    said = SERVICES[name]
    assert (
        not {"privileged", "pid", "ipc", "uts", "userns_mode", "cgroup", "devices", "cgroup_parent"}
        & said.keys()
    )
    assert said.get("network_mode", "none") == "none"
    for source, _, _ in mounts(name):
        assert "docker.sock" not in source
        assert source not in HOST_PATHS
        assert not Path(source).is_absolute(), "a path of this repository, or a named volume"


@every_service
def test_p05_files_of_the_repository_cannot_be_written(name: str) -> None:
    for source, _, mode in mounts(name):
        assert mode == "ro" or not source.startswith("."), source


@every_service
def test_p05_what_one_container_can_use_up_has_a_bound(name: str) -> None:
    said = SERVICES[name]
    assert {"mem_limit", "cpus", "pids_limit"} <= said.keys()
    options = said["logging"]["options"]
    assert {"max-size", "max-file"} <= options.keys() or {
        "cache-max-size",
        "cache-max-file",
    } <= options.keys()


@every_service
def test_p05_every_image_is_ours_or_pinned_to_a_version(name: str) -> None:
    image = SERVICES[name]["image"]
    if "build" in SERVICES[name]:
        assert image.startswith("mcp/")
        assert image.endswith(":local")
    else:
        assert re.search(r":v?\d+\.\d+\.\d+", image), f"{image}: a whole version, not latest"


@every_dockerfile
def test_p05_an_image_runs_as_somebody_without_a_shell_to_start_it(file: Path) -> None:
    last = stages(file)[-1]
    users = [words for word, words in last if word == "USER"]
    assert users
    assert re.fullmatch(r"[1-9]\d*:\d+", users[-1])
    (entry,) = (words for word, words in last if word == "ENTRYPOINT")
    assert entry.startswith("["), "as words: a shell would be process 1, and split them"
    assert any(word == "HEALTHCHECK" for word, _ in last)


@every_dockerfile
def test_p05_every_stage_stands_on_one_pinned_base(file: Path) -> None:
    text = file.read_text("utf-8")
    assert re.findall(r"^FROM (\S+)", text, re.MULTILINE) == ["${BASE}", "${BASE}"]
    (base,) = re.findall(r"^ARG BASE=(\S+)$", text, re.MULTILINE)
    assert re.search(r":\d+\.\d+\.\d+", base), f"{base}: a whole version, not latest"


@every_dockerfile
def test_p05_what_builds_an_image_does_not_stay_in_it(file: Path) -> None:
    first, last = stages(file)[0], stages(file)[-1]
    assert any(word == "RUN" for word, _ in first)
    for word, words in last:
        if word == "RUN":
            assert not re.search(r"\b(pip|uv|apt-get|apk|gcc|curl|wget|git)\b", words), words
        assert word != "ADD", "fetches and unpacks; COPY does neither"


@every_dockerfile
def test_p02_no_secret_enters_an_image(file: Path) -> None:
    """ARG and ENV stay readable in the image's history; COPY takes folders of code, by name."""
    for stage in stages(file):
        for word, words in stage:
            if word in {"ARG", "ENV", "LABEL"}:
                assert not SECRET_NAME.search(words), words
            if word == "COPY" and "--from=" not in words:
                assert not {".", "./", "*"} & set(words.split()[:-1]), words


@every_dockerfile
def test_p02_the_build_context_lets_in_what_is_named_and_no_run_folder_or_key(file: Path) -> None:
    lines = file.with_name(f"{file.name}.dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*", "nothing, unless it is named"
    let_in = {rule[1:].split("/")[0] for rule in rules if rule.startswith("!")}
    assert let_in <= {
        "pyproject.toml",
        "requirements.lock",
        "shared",
        "gateway",
        "servers",
        "infra",
    }
    if {"gateway", "servers"} & let_in:
        assert {"**/.run", "**/.env", "**/.env.*", "**/*.key", "**/*.pem", "**/secrets"} <= set(
            rules
        )
        last_let_in = max(place for place, rule in enumerate(rules) if rule.startswith("!"))
        assert last_let_in < rules.index("**/.run"), "a later rule would let it in again"


@every_service
def test_p02_no_secret_is_in_the_environment_or_on_a_command_line(name: str) -> None:
    """Whoever may inspect a container reads both; a file in /run/secrets they do not see."""
    said = SERVICES[name]
    for key, value in said.get("environment", {}).items():
        if SECRET_NAME.search(key):
            assert str(value).startswith(("/run/secrets/", "/run/mcp/secrets")), (
                f"{key} is a path, or it is a secret"
            )
        assert not re.search(r"://[^/\s]*:[^/\s]*@", str(value)), f"{key} has a login in it"
    words = [*map(str, said.get("command", ())), *map(str, said.get("entrypoint", ()))]
    assert not [
        word for word in words if re.search(r"(?i)passw|secret=|token=|://[^/]*:[^/]*@", word)
    ]


def test_p02_every_secret_is_a_file_outside_the_repository_and_is_given_by_name() -> None:
    document = yaml.safe_load(COMPOSE.read_text("utf-8"))
    for name, said in document["secrets"].items():
        assert said == {"file": f"${{COMPOSE_SECRETS:-../../.run/compose/secrets}}/{name}"}
    assert ".run/" in (ROOT / ".gitignore").read_text("utf-8").split()


def test_p02_no_service_sees_the_secrets_of_another() -> None:
    """The administrator's logins go to what prepares, and to nothing that serves."""
    for name, said in SERVICES.items():
        admin = {
            one
            for one in said.get("secrets", ())
            if "ADMIN_URL" in one or "ADMIN_DATABASE" in one or one == "postgres-superuser"
        }
        assert not admin or name.endswith("-setup") or name in {"postgres", "databases"}, name
        ledger = "ledger.pem" in said.get("secrets", ())
        assert ledger == name.startswith("gateway-"), name


@every_service
def test_p03_no_login_is_the_one_everybody_knows(name: str) -> None:
    for key, value in SERVICES[name].get("environment", {}).items():
        if "PASSWORD" in key:
            assert str(value).startswith("/run/secrets/")
        if re.search(r"ADMIN_USER", key):
            assert str(value).lower() not in {*GUESSED, "grafana", "keycloak"}
    assert (
        not {"POSTGRES_HOST_AUTH_METHOD", "GF_AUTH_ANONYMOUS_ENABLED", "ALLOW_EMPTY_PASSWORD"}
        & SERVICES[name].get("environment", {}).keys()
    )


def test_p03_the_databases_let_nobody_in_without_a_password() -> None:
    rules = (ROOT / "infra/compose/postgres/pg_hba.conf").read_text("utf-8")
    methods = {line.split()[-1] for line in rules.splitlines() if line and not line.startswith("#")}
    assert methods == {"scram-sha-256"}
    assert (
        "--auth-local=scram-sha-256" in SERVICES["postgres"]["environment"]["POSTGRES_INITDB_ARGS"]
    )


def test_p04_the_issuers_administration_and_the_metrics_do_not_pass_the_proxy() -> None:
    caddy = (ROOT / "infra/compose/proxy/Caddyfile").read_text("utf-8")
    issuer = caddy.partition("https://:8444 {")[2].partition("https://:8445")[0]
    (people,) = re.findall(r"@people path (.*)", issuer)
    assert set(people.split()) == {"/realms/mcp", "/realms/mcp/*", "/resources/*", "/.well-known/*"}
    assert "respond 404" in issuer
    assert "admin off" in caddy
