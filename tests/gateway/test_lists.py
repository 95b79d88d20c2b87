import base64

import msgspec
import pytest
from gateway.made import a_call, a_catalogue, a_policy, a_principal, a_rule
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mcp_gateway.call import Call, Raw
from mcp_gateway.listing import lists
from mcp_gateway.refusals import Refusal
from mcp_gateway.rights.policy import Policy

POLICY = a_policy(
    a_rule(), a_rule("write_it", kind="write", roles=("sales",)), a_rule(server="two", roles=("sales",)),
    a_rule("ask", family="prompt"), a_rule("two://*", server="two", family="resource", roles=("sales",)),
)  # fmt: skip
SEALED = lists.Cursors(b"k" * 32)


def shown(call: Call, *roles: str, policy: Policy = POLICY) -> list[str]:
    page = lists.pinned_list(call, a_principal(*roles), policy, a_catalogue("one", "two"))
    return [one["name"] for one in page.get("tools", page.get("prompts", []))]


def test_a_list_shows_what_a_call_would_allow_and_nothing_else() -> None:
    listing = a_call(None, method="tools/list")
    assert shown(listing, "analyst") == ["one_read_it"]
    assert shown(listing, "sales") == ["one_write_it", "two_read_it"]
    assert shown(listing, "sales", "analyst") == ["one_read_it", "one_write_it", "two_read_it"]
    assert shown(listing) == []
    own = replace(listing, endpoint="two")
    assert shown(own, "sales") == ["read_it"]
    prompts = a_call(None, method="prompts/list")
    assert shown(prompts, "analyst") == ["one_ask"]


def test_a_definition_that_drifted_is_not_listed() -> None:
    catalogue = a_catalogue("one")
    catalogue.drifted.add(("one", "tool", "read_it"))
    listing = a_call(None, method="tools/list")
    assert lists.pinned_list(listing, a_principal("analyst"), POLICY, catalogue)["tools"] == []


def test_the_order_is_that_of_the_lock_files_every_time() -> None:
    listing = a_call(None, method="tools/list")
    assert len({repr(shown(listing, "sales", "analyst")) for _ in range(5)}) == 1


@given(st.none() | st.text())
def test_a_sealed_cursor_opens_for_whom_it_was_sealed(own: str | None) -> None:
    if own is not None and not own.isprintable():
        return
    ana, ben = a_principal(), a_principal(username="ben")
    sealed = SEALED.seal(ana, "resources/list", "one", own)
    assert SEALED.open(ana, "resources/list", sealed) == ("one", own)
    for who, method in ((ben, "resources/list"), (ana, "resources/templates/list")):
        with pytest.raises(Refusal):
            SEALED.open(who, method, sealed)
    with pytest.raises(Refusal):
        lists.Cursors(b"x" * 32).open(ana, "resources/list", sealed)
    foreign = replace(ana, issuer="https://elsewhere.example")
    with pytest.raises(Refusal):
        SEALED.open(foreign, "resources/list", sealed)


@given(st.binary(max_size=200))
def test_no_bytes_open_as_a_cursor(garbage: bytes) -> None:
    with pytest.raises(Refusal) as caught:
        SEALED.open(a_principal(), "resources/list", base64.urlsafe_b64encode(garbage).decode())
    assert caught.value.rpc == -32602


@given(st.text(max_size=50))
def test_no_text_opens_as_a_cursor(garbage: str) -> None:
    with pytest.raises(Refusal):
        SEALED.open(a_principal(), "resources/list", garbage)


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_a15_any_changed_byte_closes_a_cursor(place: int, change: int) -> None:
    ana = a_principal()
    raw = bytearray(
        base64.urlsafe_b64decode(SEALED.seal(ana, "resources/list", "one", "next") + "==")
    )
    raw[place % len(raw)] ^= change
    with pytest.raises(Refusal):
        SEALED.open(ana, "resources/list", base64.urlsafe_b64encode(bytes(raw)).decode())


def test_after_a_servers_last_page_comes_the_next_server_and_after_the_last_nothing() -> None:
    ana = a_principal()
    same = SEALED.following(ana, "resources/list", "one", "", "two")
    assert same is not None
    assert SEALED.open(ana, "resources/list", same) == ("one", "")  # an empty cursor is a cursor
    following = SEALED.following(ana, "resources/list", "one", None, "two")
    assert following is not None
    assert SEALED.open(ana, "resources/list", following) == ("two", None)
    assert SEALED.following(ana, "resources/list", "two", None, None) is None


def test_a_servers_own_cursor_travels_in_place_of_ours() -> None:
    call = a_call(None, method="resources/list", cursor="ours")
    assert lists.cursor_of(call) == "ours"
    asked = lists.from_cursor(call, "theirs")
    assert msgspec.json.decode(asked.params["cursor"]) == "theirs"
    assert "cursor" not in lists.from_cursor(call, None).params
    assert msgspec.json.decode(lists.from_cursor(call, "").params["cursor"]) == ""
    with pytest.raises(Refusal):
        lists.cursor_of(replace(call, params={"cursor": Raw(b"5")}))


def test_only_servers_with_resources_for_the_person_are_asked() -> None:
    catalogue = a_catalogue("one", "two")
    assert lists.resource_servers("", a_principal("sales"), POLICY, catalogue) == ["two"]
    assert lists.resource_servers("one", a_principal("sales"), POLICY, catalogue) == []
    assert lists.resource_servers("", a_principal("analyst"), POLICY, catalogue) == []
