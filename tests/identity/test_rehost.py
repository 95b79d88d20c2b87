"""`make rehost`: another public URL in every place that holds one, and back to the byte."""

import argparse
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from people import ROOT

from mcp_realm import rehost, rehost_files
from mcp_realm.admin import CannotError
from mcp_realm.rehost import Clone, main, moving, orphans, realms
from mcp_realm.rehost_files import Move, rewrites
from mcp_realm.rehost_url import NotPublicUrlError, issuer, moved, public

OLD, NEW = "https://mcp.old.example", "https://mcp.new.example"
OLD_ISSUER = "https://id.old.example/realms/mcp"
NEW_ISSUER = "https://id.new.example/realms/mcp"
GATEWAY_YAML = f"""# The door's own facts.
public_url: {OLD}   # a comment stays
issuer: {OLD_ISSUER}

servers:
  - warehouse
  - {{path: docs, resource: {OLD}/servers/docs/backend}}

allowed_origins: ["{OLD}", "{OLD}.evil.example"]
"""
AGENTS_YAML = f"""agents:
  mcp-host: {{ may: [read], tools: ["*"] }}
services:
  {OLD}/mcp: {{ roles: [analyst], may: [read], tools: ["*"] }}
"""


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clone:
    """A company's clone, under git, with a file of its own that names the URL."""
    root = tmp_path / "clone"
    (root / "gateway").mkdir(parents=True)
    (root / "gateway" / "gateway.yaml").write_text(GATEWAY_YAML)
    (root / "gateway" / "agents.yaml").write_text(AGENTS_YAML)
    (root / "deployment.toml").write_text(f'gateway = "{OLD}"\r\n# {OLD_ISSUER}\r\n', newline="")
    (root / "README.md").write_text(f"We moved here from {OLD}.\n")
    for part in ("infra/keycloak/realm.json", "infra/local/stack.toml"):
        (root / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / part, root / part)
    for name in ("warehouse", "docs"):
        (root / "servers" / name).mkdir(parents=True)
        shutil.copy(ROOT / "servers" / name / "policy.yaml", root / "servers" / name)
    for words in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", *words], cwd=root, check=True)
    monkeypatch.setenv("STACK_ROOT", str(root))
    monkeypatch.setenv("STACK_RUN", str(tmp_path / "run"))
    return Clone(root, root / "gateway" / "gateway.yaml", root / "infra/keycloak/realm.json")


def texts(clone: Clone) -> dict[str, bytes]:
    return {
        path.relative_to(clone.root).as_posix(): path.read_bytes()
        for path in clone.root.rglob("*")
        if path.is_file() and ".git" not in path.parts
    }


def test_nothing_moves_until_somebody_agrees(
    clone: Clone, capsys: pytest.CaptureFixture[str]
) -> None:
    before = texts(clone)
    assert main([NEW, "--check"]) == 1
    assert main([NEW]) == 2
    said = capsys.readouterr()
    assert "Nothing was changed: nobody is here to be asked" in said.err
    assert f"+ public_url: {NEW}   # a comment stays" in said.out
    assert texts(clone) == before


def test_every_file_of_the_clone_moves_and_comes_back_to_the_byte(
    clone: Clone, capsys: pytest.CaptureFixture[str]
) -> None:
    before = texts(clone)
    (clone.config).chmod(0o640)
    assert main([NEW, "--issuer", NEW_ISSUER, "--yes"]) == 0
    after = {name: text.decode() for name, text in texts(clone).items()}
    assert (
        f"public_url: {NEW}   # a comment stays\nissuer: {NEW_ISSUER}\n"
        in after["gateway/gateway.yaml"]
    )
    assert f"resource: {NEW}/servers/docs/backend" in after["gateway/gateway.yaml"]
    assert f'["{NEW}", "{OLD}.evil.example"]' in after["gateway/gateway.yaml"]
    assert f"  {NEW}/mcp: " in after["gateway/agents.yaml"]
    assert after["deployment.toml"] == f'gateway = "{NEW}"\r\n# {NEW_ISSUER}\r\n'
    assert OLD in after["README.md"], "prose is history, not configuration"
    assert clone.config.stat().st_mode & 0o777 == 0o640
    back = capsys.readouterr().out.splitlines()[-1]
    assert back.endswith(f"make rehost URL={OLD} ISSUER={OLD_ISSUER}")
    assert main([OLD, "--issuer", OLD_ISSUER, "--yes"]) == 0
    assert texts(clone) == before


def test_a_second_run_moves_nothing(clone: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([NEW, "--yes"]) == 0
    before = texts(clone)
    assert main([NEW, "--yes"]) == 0
    assert "nothing to move" in capsys.readouterr().out
    assert texts(clone) == before


def test_the_issuer_stays_where_it_is_unless_it_moves_too(clone: Clone) -> None:
    """Behind one name, the gateway's move is not the issuer's."""
    text = f"public_url: {OLD}\nissuer: {OLD}/realms/mcp\n# {OLD}/realms/mcp and {OLD}/mcp\n"
    assert moved(text, OLD, NEW) == (
        f"public_url: {NEW}\nissuer: {OLD}/realms/mcp\n# {OLD}/realms/mcp and {NEW}/mcp\n"
    )


def test_this_machines_address_moves_only_where_the_gateways_own_facts_are(tmp_path: Path) -> None:
    """Every clone says localhost of its own stack, in a dozen places that are right to."""
    config = tmp_path / "gateway" / "gateway.yaml"
    config.parent.mkdir()
    config.write_text("public_url: http://localhost:8080\n")
    (tmp_path / "other.toml").write_text('at = "http://localhost:8080/mcp"\n')
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    move = Move("http://localhost:8080", NEW, OLD_ISSUER, OLD_ISSUER)
    assert [one.path for one in rewrites(tmp_path, config, move)] == [config]
    away = Move("http://localhost:80", NEW, OLD_ISSUER, OLD_ISSUER)
    assert rewrites(tmp_path, config, away) == []


def test_the_plan_names_every_identity_that_changes(clone: Clone) -> None:
    move = moving(clone, NEW, None)
    planned = realms(clone, move)
    made = {change.name for change in planned.changes if change.sign == "+"}
    assert made == {f"{NEW}/mcp", f"{NEW}/servers/warehouse/mcp", f"{NEW}/servers/docs/mcp"}
    bent = {change.name for change in planned.changes if change.sign == "~"}
    assert {"aud:mcp", "aud:warehouse", "aud:docs", "mcp-console", "codex-cli"} <= bent
    assert {change.name for change in planned.leftovers} == {
        f"{OLD}/mcp", f"{OLD}/servers/warehouse/mcp", f"{OLD}/servers/docs/mcp",
    }  # fmt: skip
    told = "\n".join(orphans(move, planned))
    for word in (f"{OLD}/servers/docs/mcp", "Claude Code", "330 s", "ledger", "DNS", "console"):
        assert word in told


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://mcp.example.com", "https"),
        ("https://mcp.example.com/", "without a path"),
        ("https://mcp.example.com/mcp", "without a path"),
        ("https://mcp.example.com:443", "without :443"),
        ("https://MCP.example.com", "lower case"),
        ("https://bücher.example", "ASCII"),
        ("https://me:secret@mcp.example.com", "no part"),
        ("https://mcp.example.com?x=1", "no part"),
        ("https://mcp.example.com:70000", "no port"),
        ("mcp.example.com", "expected https"),
        ("ftp://mcp.example.com", "expected https"),
    ],
)
def test_a_url_that_is_no_identity_is_refused(url: str, words: str) -> None:
    with pytest.raises(NotPublicUrlError, match=words):
        public(url)
    with pytest.raises(NotPublicUrlError):
        issuer(f"{url}/realms/mcp/")


def test_a_refused_url_is_one_line_and_changes_nothing(
    clone: Clone, capsys: pytest.CaptureFixture[str]
) -> None:
    before = texts(clone)
    assert main(["http://mcp.example.com", "--yes"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert texts(clone) == before


HOSTS = st.from_regex(r"[a-z][a-z0-9]{0,8}\.example(:[1-9][0-9]{3})?", fullmatch=True)


@given(old=HOSTS, new=HOSTS, around=st.text(st.sampled_from("ab \n#\"'/.:"), max_size=20))
def test_there_and_back_is_the_same_text(old: str, new: str, around: str) -> None:
    """Wherever the new URL was not there before."""
    there, back = f"https://{old}", f"https://{new}"
    text = f"{around}\npublic_url: {there}\nissuer: https://id.example/realms/mcp\n{around}"
    if there == back or old.startswith(new) or new.startswith(old):
        return
    gone = moved(text, there, back)
    assert f"public_url: {back}\n" in gone
    assert moved(gone, back, there) == text


def test_keycloak_goes_first_and_its_refusal_leaves_the_files(
    clone: Clone, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = texts(clone)
    key = clone.root.parent / "key.pem"
    key.write_bytes(rsa_key())
    monkeypatch.setenv("GATEWAY_ASSERTION_KEY", str(key))
    monkeypatch.setenv("KEYCLOAK_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("KEYCLOAK_ADMIN_PASSWORD", "x")
    assert main([NEW, "--keycloak", "--yes"]) == 2
    assert "connection refused" in capsys.readouterr().err
    assert texts(clone) == before


def rsa_key() -> bytes:
    from joserfc.jwk import RSAKey

    return RSAKey.generate_key(2048).as_pem(private=True)


def test_a_file_that_does_not_say_it_afterwards_is_told(clone: Clone) -> None:
    """YAML that the rewriting cannot see through: nobody is left believing it moved."""
    clone.config.write_text(
        GATEWAY_YAML.replace(f"public_url: {OLD}", f'public_url: "{OLD[:-1]}\\x65"')
    )
    given = argparse.Namespace(keycloak=False, check=False, yes=True, prune=False)
    with pytest.raises(CannotError, match="mend it"):
        rehost.run(clone, moving(clone, NEW, None), given)


def test_no_file_half_written(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    files = rewrites(clone.root, clone.config, moving(clone, NEW, None))

    def full(*_: Any) -> None:
        raise OSError("no space left")

    before = texts(clone)
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        patch.setattr(Path, "replace", full)
        with pytest.raises(OSError, match="no space"):
            rehost_files.write(files)
    kept = {name: text for name, text in texts(clone).items() if not name.endswith(".new")}
    assert kept == before
