"""What a definition says of its earlier name, however badly it is said."""

from datetime import date
from typing import Any

import pytest

from mcp_shared import meta
from mcp_shared.renames import Renamed, renamed_from

LAST = date(2027, 3, 31)


def test_what_is_declared_is_read_again() -> None:
    told = Renamed("find_people", until=LAST)
    assert renamed_from({"name": "find_contacts", "_meta": told.as_meta()}) == told
    assert [told.answers(day) for day in (LAST, date(2027, 4, 1))] == [True, False]


@pytest.mark.parametrize(
    "said",
    [
        None, [], "x", {}, {meta.RENAMED: None}, {meta.RENAMED: "x"}, {meta.RENAMED: {}},
        {meta.RENAMED: {"name": 5, "until": "2027-03-31"}}, {meta.RENAMED: {"name": "", "until": "2027-03-31"}},
        {meta.RENAMED: {"name": "x"}}, {meta.RENAMED: {"name": "x", "until": "soon"}},
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_no_earlier_name(said: Any) -> None:
    assert renamed_from({"name": "x", "_meta": said}) is None
