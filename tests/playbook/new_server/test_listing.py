import pytest
import yaml

from mcp_playbook.new_server.listing import ListingError, added, removed

KIT = """\
# The door's own facts.
issuer: http://localhost:8081/realms/mcp

# A name means servers/<name>.
servers:
  - warehouse
  - crm      # for sales
  - docs

limits:
  timeout: 30s   # for tools whose policy names none
"""


def test_one_line_is_added_and_nothing_else_changes() -> None:
    before, after = KIT.splitlines(), added(KIT, "billing").splitlines()
    assert [line for line in after if line not in before] == ["  - billing"]
    assert [line for line in after if line != "  - billing"] == before
    assert after.index("  - billing") == after.index("  - docs") + 1


def test_what_was_added_can_be_taken_out_again() -> None:
    assert removed(added(KIT, "billing"), "billing") == KIT
    assert removed(KIT, "billing") == KIT


@pytest.mark.parametrize(
    "text",
    [
        "servers: [warehouse, crm]\nissuer: x\n",
        "servers: []\n",
        "issuer: x\nservers:\n- a",
        "servers:\n  - path: ../elsewhere/a\n    resource: http://a.internal/mcp\n\n# after\nissuer: x\n",
        "servers:\n  - a\n  # - b\n\n\nissuer: x\n",
        "servers:\n    - {path: a, resource: http://a}   # why\n",
    ],
)
def test_other_ways_to_write_the_list_are_understood(text: str) -> None:
    old, new = yaml.safe_load(text), yaml.safe_load(added(text, "billing"))
    assert new == {**old, "servers": [*old["servers"], "billing"]}
    assert all(
        comment in added(text, "billing")
        for comment in ("# after", "# - b", "# why")
        if comment in text
    )


@pytest.mark.parametrize(
    "text", ["", "servers:\n", "issuer: x\n", "servers: {a: b}\n", "servers: [a", "- a\n"]
)
def test_a_list_that_is_not_understood_is_left_to_a_person(text: str) -> None:
    with pytest.raises(ListingError):
        added(text, "billing")


def test_another_form_of_the_entry_is_not_taken_out_by_guessing() -> None:
    with pytest.raises(ListingError, match="by hand"):
        removed("servers: [crm, billing]\n", "billing")
