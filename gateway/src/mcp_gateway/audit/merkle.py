"""RFC 6962 hashes, tree and inclusion paths over SHA-256. Pure."""

from collections.abc import Sequence
from hashlib import sha256

HASH_BYTES = 32

Levels = list[list[bytes]]


def leaf_hash(data: bytes) -> bytes:
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def tree(leaves: Sequence[bytes]) -> Levels:
    """Every level from the leaf hashes up to the root; a last odd node moves up as it is."""
    if not leaves:
        raise ValueError("a tree has at least one leaf")
    levels = [list(leaves)]
    while len(level := levels[-1]) > 1:
        above = [
            sha256(b"\x01" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)
        ]
        if len(level) % 2:
            above.append(level[-1])
        levels.append(above)
    return levels


def root(leaves: Sequence[bytes]) -> bytes:
    return tree(leaves)[-1][0]


def path(levels: Levels, index: int) -> list[bytes]:
    """The hashes that lead from leaf `index` to the root."""
    if not 0 <= index < len(levels[0]):
        raise IndexError(index)
    steps = []
    for level in levels[:-1]:
        sibling = index ^ 1
        if sibling < len(level):
            steps.append(level[sibling])
        index >>= 1
    return steps


def root_from(leaf: bytes, index: int, size: int, steps: Sequence[bytes]) -> bytes | None:
    """The root this path proves for `leaf` at `index` of `size`; None when it cannot be one."""
    if not 0 <= index < size:
        return None
    here, last, value = index, size - 1, leaf
    for step in steps:
        if last == 0:
            return None
        if here & 1 or here == last:
            value = node_hash(step, value)
            while here and not here & 1:
                here >>= 1
                last >>= 1
        else:
            value = node_hash(value, step)
        here >>= 1
        last >>= 1
    return value if last == 0 else None
