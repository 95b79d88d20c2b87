"""Every path has one owner, so that an upgrade knows whose side stays."""

from functools import cache

import pytest
from architecture.tree import ROOT, files

from mcp_playbook.upgrade import ownership
from mcp_playbook.upgrade.ownership import Ownership

# a clone may be without these: written later, or written for servers of its own
MAY_DECIDE_NOTHING = {
    "playbook/kit-version.toml", "playbook/owners.toml", "playbook/vetted/**", "servers/**",
    "tests/servers/**",
}  # fmt: skip


@cache
def rules() -> Ownership:
    return ownership.read(ROOT / ownership.FILE)


def paths() -> list[str]:
    return [path.relative_to(ROOT).as_posix() for path in files()]


def test_every_path_has_an_owner() -> None:
    nobodys = [path for path in paths() if rules().owner_of(path) is None]
    assert not nobodys, f"name them in {ownership.FILE}, paths of your own under [added]: {nobodys}"


def test_every_rule_decides_about_something() -> None:
    """A rule that an earlier one shadows, or whose files were moved, misleads whoever reads it."""
    decided = {rule.pattern for path in paths() if (rule := rules().rule_of(path))}
    idle = {rule.pattern for rule in rules().rules} - decided - MAY_DECIDE_NOTHING
    gone = {pattern for pattern in idle if rules().folder_of(pattern)}
    assert not idle - gone


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("gateway/gateway.yaml", "yours"),
        ("gateway/src/mcp_gateway/door/edge.py", "kit"),
        ("infra/keycloak/realm.json", "yours"),
        ("servers/crm/policy.yaml", "yours"),
        ("servers/crm/tools.lock.json", "kit"),
        ("servers/billing/policy.yaml", "yours"),
        ("servers/billing/src/mcp_billing/server.py", "yours"),
        ("tests/servers/billing/test_bills.py", "yours"),
        ("playbook/owners.toml", "yours"),
        ("playbook/upgrade.md", "kit"),
        ("README.md", "shared"),
        ("requirements.lock", "shared"),
        ("no-such-folder/cluster.yaml", None),
        ("gateway/gateway.yaml/more", "kit"),
        ("xgateway/gateway.yaml", None),
    ],
)
def test_a_path_is_whose_it_should_be(path: str, owner: str | None) -> None:
    assert rules().owner_of(path) == owner


def test_paths_a_clone_added_are_its_own_whatever_a_rule_says() -> None:
    text = """
        [[rule]]
        owner = "kit"
        paths = ["infra/**"]

        [added]
        paths = ["deploy/**", "infra/ours/*"]
    """
    found = ownership.compiled(text, ROOT / ownership.FILE)
    assert found.owner_of("deploy/cluster.yaml") == "yours"
    assert found.owner_of("infra/ours/one.tf") == "yours"
    assert found.owner_of("infra/ours/deeper/one.tf") == "kit"
