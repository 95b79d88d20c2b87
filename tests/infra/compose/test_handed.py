"""The secrets of the stack in containers, as files."""

import stat
from dataclasses import replace
from pathlib import Path

import pytest
from infra.compose.made import ROOT, changed, compose, native

from mcp_compose import handed
from mcp_compose.addresses import inside
from mcp_gateway.audit import keys
from mcp_local.trust import Authority


def test_exactly_what_the_services_list_is_made(tmp_path: Path) -> None:
    filler = inside(ROOT, tmp_path / "made", "0.1")
    found = handed.contents(filler) | handed.certificate(Authority(tmp_path / "tls"))
    assert set(found) == set(compose().said["secrets"])
    assert all(found.values())
    files = {name: said["file"] for name, said in compose().said["secrets"].items()}
    assert files == {name: f"../../.run/compose/secrets/{name}" for name in files}


def test_addresses_are_those_between_containers(tmp_path: Path) -> None:
    found = handed.contents(inside(ROOT, tmp_path / "made", "0.1"))
    assert found["GATEWAY_LEDGER_URL"].startswith(b"postgresql://audit_writer:")
    assert found["GATEWAY_LEDGER_URL"].endswith(b"@postgres:5432/ledger")
    assert found["GATEWAY_REDIS_URL"].endswith(b"@valkey:6379/0")
    password = found["GATEWAY_REDIS_URL"].split(b":")[2].split(b"@")[0]
    assert b"requirepass " + password + b"\n" in found["valkey.conf"]


def test_made_again_they_are_the_same(tmp_path: Path) -> None:
    first = handed.contents(inside(ROOT, tmp_path / "made", "0.1"))
    assert handed.contents(inside(ROOT, tmp_path / "made", "0.1")) == first


def test_the_folder_is_closed_and_a_container_of_another_user_reads_its_files(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "secrets"
    handed.write({"CRM_TOKEN": b"one", "OLD": b"x"}, folder)
    before = (folder / "CRM_TOKEN").stat().st_ino
    handed.write({"CRM_TOKEN": b"one", "ledger.pem": b"two"}, folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {
        "CRM_TOKEN": 0o444, "ledger.pem": 0o444,
    }  # fmt: skip
    assert (folder / "CRM_TOKEN").stat().st_ino == before, "a running container goes on seeing it"
    handed.write({"CRM_TOKEN": b"new", "ledger.pem": b"two"}, folder)
    assert (folder / "CRM_TOKEN").read_bytes() == b"new"


def test_an_earlier_ledger_key_goes_on_verifying(tmp_path: Path) -> None:
    filler = inside(ROOT, tmp_path / "made", "0.1")
    handed.contents(filler)
    (tmp_path / "made" / "ledger.pem").unlink()
    public = tmp_path / "ledger.pub"
    public.write_bytes(handed.contents(filler)["ledger.pub"])
    assert len(keys.load_public(public)) == 2


def test_one_variable_with_two_secrets_is_refused() -> None:
    spoilt = changed(
        "docs", lambda part: replace(part, env={**part.env, "CRM_TOKEN": "{secret:docs-token}"})
    )
    with pytest.raises(handed.ClashError, match="CRM_TOKEN"):
        handed.asked(spoilt)
    assert "CRM_TOKEN" in handed.asked(native())
