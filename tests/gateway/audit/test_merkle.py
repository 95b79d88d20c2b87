"""RFC 6962 section 2.1, against its own recursive definition."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_gateway.audit import merkle

hashes = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=70)


def by_definition(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    left, right = by_definition(leaves[:split]), by_definition(leaves[split:])
    return sha256(b"\x01" + left + right).digest()


def test_published_hashes_come_out() -> None:
    """The tree over the eight inputs that implementations of RFC 6962 share as their test."""
    inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657",
              "606162636465666768696a6b6c6d6e6f"]  # fmt: skip
    leaves = [merkle.leaf_hash(bytes.fromhex(text)) for text in inputs]
    assert leaves[0].hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert merkle.root(leaves).hex() == (
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    )


@given(hashes)
def test_the_root_is_the_one_the_definition_gives(leaves: list[bytes]) -> None:
    assert merkle.root(leaves) == by_definition(leaves)


@given(hashes, st.data())
def test_every_path_leads_to_the_root_and_no_other_leaf_or_place_does(
    leaves: list[bytes], data: st.DataObject
) -> None:
    levels = merkle.tree(leaves)
    index = data.draw(st.integers(0, len(leaves) - 1))
    steps = merkle.path(levels, index)
    size, root = len(leaves), merkle.root(leaves)
    assert merkle.root_from(leaves[index], index, size, steps) == root
    assert merkle.root_from(b"x" * 32, index, size, steps) != root
    assert merkle.root_from(leaves[index], index, size, [*steps, b"x" * 32]) != root
    other = data.draw(st.integers(0, len(leaves) - 1))
    if leaves[other] != leaves[index]:
        assert merkle.root_from(leaves[index], other, size, steps) != root
    if steps:
        assert merkle.root_from(leaves[index], index, size, steps[:-1]) != root


def test_places_outside_the_tree_prove_nothing() -> None:
    leaf = b"x" * 32
    assert merkle.root_from(leaf, 1, 1, []) is None
    assert merkle.root_from(leaf, -1, 1, []) is None
    assert merkle.root_from(leaf, 0, 0, []) is None
    with pytest.raises(IndexError):
        merkle.path([[leaf]], 1)
    with pytest.raises(ValueError, match="at least one"):
        merkle.tree([])
