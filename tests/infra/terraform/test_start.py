"""in_task/start.py as ECS starts it: handed to python -c, with secrets as variables."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from infra.terraform.tree import FOLDER, ROOT

from mcp_local.secret_files import KEYS

START = (FOLDER / "src/in_task/start.py").read_text("utf-8")
DUMP = "import json, os, sys; print(json.dumps([dict(os.environ), sys.argv[1:]]))"


@pytest.fixture
def source(tmp_path: Path) -> str:
    """As it is, but for the folder: two tests at once may not write the same files."""
    assert 'Path("/dev/shm/mcp")' in START
    return START.replace('Path("/dev/shm/mcp")', f'Path("{tmp_path}/shm")')


def start(source: str, given: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", source, *words], env={"PATH": os.environ["PATH"], **given},
        capture_output=True, text=True, check=False, timeout=60, cwd=ROOT,
    )  # fmt: skip


def started(source: str, given: dict[str, str], *words: str) -> tuple[dict[str, str], list[str]]:
    done = start(source, given, "{python}", "-c", DUMP, *words)
    assert done.returncode == 0, done.stderr
    environment, arguments = json.loads(done.stdout)
    return environment, arguments


def test_a_password_in_an_address_cannot_end_it_early(source: str) -> None:
    environment, _ = started(
        source,
        {"URL": "postgresql://crm:{secret:SECRET_P}@db:5432/crm", "SECRET_P": "a@b/c?d#e%f:{g}"},
    )
    assert environment["URL"] == "postgresql://crm:a%40b%2Fc%3Fd%23e%25f%3A%7Bg%7D@db:5432/crm"


def test_a_value_that_is_a_secret_as_a_whole_is_left_as_it_is(source: str) -> None:
    environment, _ = started(source, {"CRM_TOKEN": "{secret:SECRET_T}", "SECRET_T": "pat/+=="})
    assert environment["CRM_TOKEN"] == "pat/+=="


def test_the_program_sees_no_secret_that_it_did_not_ask_for(source: str) -> None:
    """Nor does anybody who reads /proc: exec leaves nothing of the first environment."""
    environment, arguments = started(
        source,
        {"SECRET_KEY": "canary-1", "FILE_CA": "canary-2", "A": "b", "START_FILES": "{}"},
        "--word", "{python}",
    )  # fmt: skip
    assert "canary" not in json.dumps(environment)
    assert environment["A"] == "b"
    assert arguments == ["--word", sys.executable]


def test_files_can_be_read_by_their_owner_alone(source: str, tmp_path: Path) -> None:
    started(
        source,
        {
            "START_FILES": json.dumps({"keys/a.key": "SECRET_A:base64", "ca.pem": "FILE_CA"}),
            "SECRET_A": base64.b64encode(bytes(range(256))).decode(), "FILE_CA": "certificate\n",
        },
    )  # fmt: skip
    key = tmp_path / "shm/keys/a.key"
    assert key.read_bytes() == bytes(range(256))
    assert (tmp_path / "shm/ca.pem").read_text() == "certificate\n"
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.parent.stat().st_mode & 0o777 == 0o700


def test_a_task_that_starts_again_replaces_its_files(source: str, tmp_path: Path) -> None:
    for content in ("one", "two"):
        started(source, {"START_FILES": '{"ca.pem": "FILE_CA"}', "FILE_CA": content})
    assert (tmp_path / "shm/ca.pem").read_text() == "two"


WRONG: dict[str, tuple[dict[str, str], str]] = {
    "a secret that is not there": ({"URL": "x://a:{secret:SECRET_P}@h"}, "URL needs SECRET_P"),
    "a secret without a value": ({"URL": "{secret:SECRET_P}", "SECRET_P": ""}, "URL needs SECRET_P"),
    "a file without a value": ({"START_FILES": '{"a": "SECRET_A"}'}, "a needs SECRET_A"),
    "bytes that are none": (
        {"START_FILES": '{"a": "SECRET_A:base64"}', "SECRET_A": "canary!"}, "SECRET_A is not base64",
    ),
    "a file outside": ({"START_FILES": '{"../a": "S"}', "S": "canary"}, "would lie outside"),
    "a file anywhere": ({"START_FILES": '{"/etc/a": "S"}', "S": "canary"}, "would lie outside"),
    "no list of files": ({"START_FILES": "canary"}, "START_FILES is no JSON object"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_named_and_its_value_is_not(source: str, what: str) -> None:
    given, said = WRONG[what]
    done = start(source, given, "{python}", "-c", DUMP)
    assert done.returncode == 78
    assert said in done.stderr
    assert "canary" not in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_the_agent_is_asked_at_its_own_address_alone(source: str) -> None:
    """The variable is ECS's; another address would be asked for a name that goes on the record."""
    environment, _ = started(
        source, {"NAME": "{task}", "ECS_CONTAINER_METADATA_URI_V4": "http://127.0.0.1:9/v4"}
    )
    assert environment["NAME"] == os.uname().nodename


def test_the_gateway_starts_in_production_with_what_its_task_is_given(
    plan: dict[str, Any], source: str, tmp_path: Path
) -> None:
    """Environment, secrets and files of the plan, through start.py, to `mcp_gateway --check`."""
    process = plan["processes"]["gateway"]
    public = "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n"
    values = {
        name: made().decode() if name.endswith(".pem") else base64.b64encode(made()).decode()
        for name, made in KEYS.items()
    } | {"ledger.pub": public, "checkpoint.pub": "for-who-verifies"}
    config = tmp_path / "gateway"
    config.mkdir()
    (tmp_path / "servers").symlink_to(ROOT / "servers")
    (config / "gateway.yaml").write_bytes((ROOT / "gateway/gateway.yaml").read_bytes())
    agents = (ROOT / "gateway/agents.yaml").read_text("utf-8").splitlines()
    (config / "agents.yaml").write_text("\n".join(a for a in agents if "mcp-dev-cli" not in a))
    given = process["environment"] | {
        "GATEWAY_CONFIG": str(config / "gateway.yaml"),
        "GATEWAY_KEYS": str(tmp_path / "shm/keys"),
        "START_FILES": json.dumps(process["files"]),
        **{variable: values.get(name, "q3Zv8/Lk2m+Pw7xNf") for variable, name in process["secrets"].items()},
    }  # fmt: skip
    for key in ("GATEWAY_LEDGER_URL", "GATEWAY_LEDGER_READER_URL", "GATEWAY_REDIS_URL"):
        given[key] = (
            given[key].replace("{database}", "db.internal").replace("{valkey}", "v.internal")
            .replace("{valkey_user}", "mcp-prod-gateway")
        )  # fmt: skip
    done = start(source, given, *process["command"], "--check")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("ok: production, https://mcp.larkfield.example")
    (issuer,) = done.stderr.splitlines()
    # Service Connect encrypts what the gateway sends to http://keycloak; the gateway cannot see it
    assert issuer == (
        "warning: GATEWAY_ISSUER_INTERNAL: what is said to keycloak may travel in clear"
    )
