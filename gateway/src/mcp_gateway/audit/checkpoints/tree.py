"""The checkpoints' tree as it grows: the peaks that suffice to append and to know the root. Pure.

The peaks of the tree as it was, kept beside each addition, are a proof that nothing before was
changed: they give the root of the checkpoint before, and with the new leaves that of the next.
"""

from collections.abc import Iterable, Sequence
from typing import Self

from mcp_gateway.audit.merkle import HASH_BYTES, node_hash

PEAKS_LIMIT = 64


class Tree:
    """RFC 6962 over leaf hashes. Holds one hash for each bit that is set in its size."""

    __slots__ = ("_peaks", "size")

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        wrong = any(len(peak) != HASH_BYTES for peak in peaks)
        if size < 0 or wrong or len(peaks) != size.bit_count():
            raise ValueError(f"{len(peaks)} peaks are not those of a tree of {size} leaves")
        self.size = size
        self._peaks = list(peaks)

    @property
    def peaks(self) -> tuple[bytes, ...]:
        """From the oldest and highest on."""
        return tuple(self._peaks)

    def root(self) -> bytes:
        if not self._peaks:
            raise ValueError("a tree has at least one leaf")
        value = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            value = node_hash(peak, value)
        return value

    def grown(self, leaves: Iterable[bytes]) -> Self:
        """A tree with these leaf hashes behind its own; this one stays as it is."""
        size, peaks = self.size, list(self._peaks)
        for leaf in leaves:
            value, full = leaf, size
            while full & 1:
                value = node_hash(peaks.pop(), value)
                full >>= 1
            peaks.append(value)
            size += 1
        return type(self)(size, peaks)
