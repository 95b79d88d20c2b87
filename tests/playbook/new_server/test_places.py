"""What names every server is changed for a new one, in the repository's own files, and changed back."""

from pathlib import Path

import pytest
from playbook.new_server.copied import ROOT

from mcp_playbook.new_server.kinds import KINDS
from mcp_playbook.new_server.names import RefusedError, names
from mcp_playbook.new_server.places import aws, blocks, containers, every, owners
from mcp_playbook.new_server.standing import Spots, refuse_if_kits

MADE = names("sales-desk", "order")


def texts() -> dict[str, str]:
    return {name: (ROOT / name).read_text("utf-8") for name in every.PLACES}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_what_is_put_in_is_taken_out_and_nothing_else(kind: object) -> None:
    for name, before in texts().items():
        add, remove = every.PLACES[name]
        after = add(before, MADE, kind)  # type: ignore[arg-type]
        assert remove(after, MADE) == before, name
        assert set(before.splitlines()) - set(after.splitlines()) == {
            line for line in before.splitlines() if line not in after.splitlines()
        }


def test_a_second_server_stands_beside_the_first() -> None:
    first, second = names("alpha", "order"), names("beta", "order")
    for name, before in texts().items():
        add, remove = every.PLACES[name]
        both = add(add(before, first, KINDS["rest"]), second, KINDS["sql"])
        assert remove(remove(both, first), second) == before, name
        assert remove(remove(both, second), first) == before, name


def test_a_name_that_begins_like_another_takes_nothing_of_it() -> None:
    short, long = names("desk", "order"), names("desk-two", "order")
    for name, before in texts().items():
        add, remove = every.PLACES[name]
        only = add(before, long, KINDS["rest"])
        assert remove(add(only, short, KINDS["rest"]), short) == only, name


def test_what_a_person_changed_in_the_block_goes_with_it() -> None:
    text = aws.servers("crm:\n  setup: {}\n", MADE, KINDS["rest"]).replace(
        "sales-desk.example.com", "api.larkfield.example"
    )
    assert aws.without_servers(text, MADE) == "crm:\n  setup: {}\n"
    text = owners.owners("[servers.crm]\nteam = 'a'\n", MADE, KINDS["vendor"]).replace(
        'team = ""', 'team = "Finance"'
    )
    assert owners.without_owners(text, MADE) == "[servers.crm]\nteam = 'a'\n"


def test_a_file_in_another_form_is_left_alone_and_named(tmp_path: Path) -> None:
    compose = tmp_path / containers.COMPOSE
    compose.parent.mkdir(parents=True)
    compose.write_text("services: {}\n")
    made, by_hand = every.added(tmp_path, MADE, KINDS["rest"])
    assert made == {}
    assert [one.partition(":")[0] for one in by_hand] == [containers.COMPOSE]
    with pytest.raises(blocks.PlaceError):
        containers.compose("GATEWAY_UPSTREAMS: {}\n", MADE, KINDS["rest"])


def test_each_server_on_the_first_machine_has_a_port_of_its_own() -> None:
    text = (ROOT / aws.GATEWAY).read_text("utf-8")
    for name in ("alpha", "beta"):
        text = aws.gateway(text, names(name, "order"))
    ports = list(aws.ports(text).values())
    assert len(ports) == len(set(ports))
    assert f"MCP_PORT={ports[-1]}" in aws.unit(text, names("beta", "order"), KINDS["rest"])


@pytest.mark.parametrize("name", ["crm", "warehouse", "docs"])
def test_a_server_of_the_kit_is_not_taken_out_by_this(name: str) -> None:
    with pytest.raises(RefusedError, match="came with the kit"):
        refuse_if_kits(Spots(ROOT, names(name, "order")))
    refuse_if_kits(Spots(ROOT, names("billing", "order")))
