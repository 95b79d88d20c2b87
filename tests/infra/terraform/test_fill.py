"""`python -m mcp_aws` against a client that only remembers what it was told."""

import base64
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from infra.terraform.tree import FOLDER

from mcp_gateway.audit.checkpoints import key as checkpoint_key

CLIENT = """#!{python}
import json, os, pathlib, sys
home = pathlib.Path(os.environ["PRETENDED"])
words = sys.argv[1:]
with (home / "argv").open("a") as out:
    out.write(" ".join(words) + chr(10))
verb = words[1]
if verb in ("put-secret-value", "modify-user"):
    given = json.load(sys.stdin)
    if verb == "modify-user":
        (home / "valkey-user").write_text(json.dumps(given))
    else:
        (home / given["SecretId"]).write_text(given["SecretString"])
    print("{{}}")
else:
    file = home / words[words.index("--secret-id") + 1]
    if verb == "describe-secret":
        print(json.dumps({{"VersionIdsToStages": {{"v": ["AWSCURRENT"]}}}} if file.exists() else {{}}))
    else:
        print(json.dumps({{"SecretString": file.read_text()}}))
"""
NAMES = (
    "checkpoint.pem", "checkpoint.pub", "gateway-assertion.pem", "ledger.pem", "ledger.pub",
    "payload.key", "sealing.key", "session.key", "valkey",
    "postgres-audit_writer", "postgres-crm_outbox", "keycloak-admin", "crm-token",
)  # fmt: skip
OUTPUT = {
    "arns": {name: f"arn-{name}" for name in NAMES},
    "valkey_user": "mcp-prod-gateway",
    "ledger": "mcp.larkfield.example/ledger",
}


@pytest.fixture
def cloud(tmp_path: Path) -> Path:
    client = tmp_path / "aws"
    client.write_text(CLIENT.format(python=sys.executable))
    client.chmod(client.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "token").write_text("pat-from-the-vendor\n")
    return tmp_path


def fill(cloud: Path, *words: str, output: Any = OUTPUT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mcp_aws", "--aws", str(cloud / "aws"), *words],
        input=json.dumps(output), capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ, "PRETENDED": str(cloud), "PYTHONPATH": str(FOLDER / "src")},
    )  # fmt: skip


def held(cloud: Path) -> dict[str, str]:
    return {
        name: (cloud / f"arn-{name}").read_text()
        for name in NAMES
        if (cloud / f"arn-{name}").exists()
    }


def test_every_secret_gets_a_value_of_its_kind(cloud: Path) -> None:
    done = fill(cloud, "--given", f"crm-token={cloud / 'token'}")
    assert done.returncode == 0, done.stderr
    values = held(cloud)
    assert set(values) == set(NAMES)
    assert values["crm-token"] == "pat-from-the-vendor"
    assert len(base64.b64decode(values["sealing.key"], validate=True)) == 32
    assert (
        len({values["postgres-audit_writer"], values["postgres-crm_outbox"], values["valkey"]}) == 3
    )
    assert all(len(values[name]) >= 32 for name in NAMES if name.startswith("postgres-"))


def test_no_value_is_in_an_argument_or_on_the_screen(cloud: Path) -> None:
    done = fill(cloud, "--given", f"crm-token={cloud / 'token'}")
    shown = (cloud / "argv").read_text() + done.stdout + done.stderr
    for name, value in held(cloud).items():
        assert value not in shown, name
        assert all(
            line not in shown
            for line in value.splitlines()
            if len(line) > 20 and "-----" not in line
        )


def test_valkey_is_told_the_same_password(cloud: Path) -> None:
    fill(cloud)
    told = json.loads((cloud / "valkey-user").read_text())
    assert told == {
        "UserId": "mcp-prod-gateway",
        "AuthenticationMode": {"Type": "password", "Passwords": [held(cloud)["valkey"]]},
    }


def test_what_is_there_is_kept(cloud: Path) -> None:
    fill(cloud)
    before = held(cloud)
    done = fill(cloud)
    assert held(cloud) == before
    assert done.stdout.count("kept ") == len(NAMES) - 1


def test_what_only_a_vendor_can_make_is_asked_for(cloud: Path) -> None:
    done = fill(cloud)
    assert done.returncode == 1
    assert "MISSING crm-token" in done.stdout
    assert "crm-token" not in held(cloud)
    assert fill(cloud, "--given", f"crm-token={cloud / 'token'}").returncode == 0


def test_the_public_key_belongs_to_the_private_one(cloud: Path) -> None:
    fill(cloud)
    values = held(cloud)
    private = load_pem_private_key(values["ledger.pem"].encode(), None)
    public = load_pem_public_key(values["ledger.pub"].encode())
    assert private.public_key() == public


def test_a_new_ledger_key_leaves_the_old_one_trusted(cloud: Path) -> None:
    fill(cloud)
    before = held(cloud)
    fill(cloud, "--renew", "ledger.pem")
    after = held(cloud)
    assert after["ledger.pem"] != before["ledger.pem"]
    assert after["ledger.pub"].startswith(before["ledger.pub"].rstrip("\n"))
    assert after["ledger.pub"].count("BEGIN PUBLIC KEY") == 2
    assert {name for name in NAMES if name in before and before[name] != after[name]} == {
        "ledger.pem",
        "ledger.pub",
    }


def test_the_checkpoints_key_is_published_under_the_ledgers_name(
    cloud: Path, tmp_path: Path
) -> None:
    """As the gateway itself would: it takes the key for its own, and adds no other."""
    fill(cloud)
    fill(cloud, "--renew", "checkpoint.pem")
    values = held(cloud)
    (tmp_path / "checkpoint.pem").write_text(values["checkpoint.pem"])
    (tmp_path / "checkpoint.pem").chmod(0o600)
    (tmp_path / "checkpoint.pub").write_text(values["checkpoint.pub"])
    signer = checkpoint_key.signer(tmp_path, "another.example/ledger")
    assert signer.name == "mcp.larkfield.example/ledger"
    known = checkpoint_key.verifiers(tmp_path / "checkpoint.pub")
    assert len(known) == 2
    assert signer.verifier == known[-1]


def test_a_name_that_is_not_there_changes_nothing(cloud: Path) -> None:
    done = fill(cloud, "--renew", "ledger.key")
    assert done.returncode == 2
    assert held(cloud) == {}


def test_something_else_on_standard_input_is_refused(cloud: Path) -> None:
    assert fill(cloud, output={"secrets": {}}).returncode == 2
    assert fill(cloud, output=[]).returncode == 2


def test_a_client_that_fails_is_quoted_without_the_value(cloud: Path) -> None:
    (cloud / "aws").write_text(
        "#!/bin/sh\ncat >/dev/null\necho 'An error occurred (AccessDenied)' >&2\nexit 254\n"
    )
    done = fill(cloud)
    assert done.returncode == 2
    assert "AccessDenied" in done.stderr
    assert "Traceback" not in done.stderr
