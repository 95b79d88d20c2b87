"""What `make up` insists on before it starts, and what a restart waits for."""

import subprocess
import sys
from pathlib import Path

import pytest
from local.small_stack import BASE, SERVER, clone

from mcp_gateway.configuration.settings import ConfigError
from mcp_local import cli, control, doctor
from mcp_local.allocation import allocate
from mcp_local.load import Stack, load
from mcp_local.place import prepare
from mcp_local.plan import plan
from mcp_local.policies import carried_by_nobody, insist_on_policies
from mcp_local.stack import place_for_test

WITH_SECRET = SERVER.replace("env = {}", 'env = { TOKEN = "{secret:their-token}" }')


def test_a_secret_of_somebody_elses_system_is_asked_for_and_never_made_up(tmp_path: Path) -> None:
    root = clone(tmp_path / "c", {"alpha": WITH_SECRET}, base=BASE)
    here = place_for_test(tmp_path / "run", root)
    prepare(here)
    with pytest.raises(control.StackError, match="no secret 'their-token'"):
        control.insist_on_secrets(here, plan(root))
    before = (
        control.fingerprint(here, plan(root)) if (here.secrets / "their-token").exists() else ""
    )
    (here.secrets / "their-token").write_text("one")
    control.insist_on_secrets(here, plan(root))
    first = control.fingerprint(here, plan(root))
    (here.secrets / "their-token").write_text("another")
    assert len({before, first, control.fingerprint(here, plan(root))}) == 3, "make up starts anew"


def test_a_secret_that_two_parts_share_is_the_stacks_own(tmp_path: Path) -> None:
    root = clone(tmp_path / "c", {"alpha": WITH_SECRET, "beta": WITH_SECRET}, base=BASE)
    assert control.own_secrets(plan(root)) == {}


def test_a_policy_that_cannot_be_used_is_told_with_file_and_key(tmp_path: Path) -> None:
    root = clone(tmp_path / "c", base=BASE)
    here = place_for_test(tmp_path / "run", root)
    (root / "gateway" / "agents.yaml").write_text("agents: {}\nservices: {}\n")
    (root / "servers" / "alpha" / "tools.lock.json").write_text(
        '{"server": "alpha", "tools": [], "prompts": []}'
    )
    policy = root / "servers" / "alpha" / "policy.yaml"
    policy.write_text("tools:\n  find:\n    roles: [analyst]\n    rate: 60perminute\n")
    with pytest.raises(ConfigError, match=r"policy\.yaml: tools\.find\.rate"):
        insist_on_policies(here)


def test_a_role_that_nobody_has_is_named_with_its_line(tmp_path: Path) -> None:
    root = clone(tmp_path / "c", base=BASE)
    here = place_for_test(tmp_path / "run", root)
    (root / "gateway" / "agents.yaml").write_text(
        "agents: {}\nservices: {night: {may: [read], tools: ['*'], roles: [robot]}}\n"
    )
    (root / "servers" / "alpha" / "tools.lock.json").write_text(
        '{"server": "alpha", "tools": [], "prompts": []}'
    )
    (root / "servers" / "alpha" / "policy.yaml").write_text(
        "tools:\n  find:\n    kind: read\n    roles: [analyst, analist, robot, guest]\n    rate: 60/minute\n"
    )
    found = insist_on_policies(here)
    assert carried_by_nobody(here, found) == {}, "without a realm file nothing is known"
    (root / "infra" / "keycloak").mkdir()
    (root / "infra" / "keycloak" / "realm.json").write_text(
        '{"groups": [{"name": "a", "realmRoles": ["analyst"]}], "users": [{"realmRoles": ["guest"]}]}'
    )
    assert carried_by_nobody(here, found) == {"analist": "servers/alpha/policy.yaml: find"}
    told = doctor.policies(Stack(here))
    assert not told.good
    assert "'analist' (servers/alpha/policy.yaml: find)" in told.what


def test_the_password_of_a_role_that_the_server_makes_itself_is_the_stacks_own(
    tmp_path: Path,
) -> None:
    both = 'env = { PASSWORD = "{secret:postgres-shop_ro}", URL = "{postgres:shop:shop_ro}" }'
    root = clone(tmp_path / "c", {"alpha": SERVER.replace("env = {}", both)}, base=BASE)
    assert control.own_secrets(plan(root)) == {}


def test_no_server_listed_here_asks_for_the_password_of_a_role() -> None:
    """A clone may list servers that need a secret of another system; a role is never one."""
    asked = control.own_secrets(plan(Path(__file__).parents[2]))
    assert not [name for name in asked if name.startswith("postgres-")]


@pytest.mark.parametrize("ran", [False, True])
def test_a_command_of_a_part_says_that_the_stack_does_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], *, ran: bool
) -> None:
    monkeypatch.setenv("STACK_RUN", str(tmp_path))
    if ran:
        allocate(load().here, load().plan)
    done = subprocess.run(
        [sys.executable, "-m", "mcp_local", "env", "gateway", "{python}", "-c", "print('went on')"],
        check=False,
    )
    told = capfd.readouterr()
    assert told.err.strip() == "The stack does not run; `make up` starts it."
    assert (done.returncode, told.out) == ((0, "went on\n") if ran else (1, ""))


def test_whoever_interrupts_a_start_hears_that_it_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("STACK_RUN", str(tmp_path))

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(control, "insist_on_secrets", interrupted)
    assert cli.main(["up"]) == 130
    assert "make down" in capsys.readouterr().err
