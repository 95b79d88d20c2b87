import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_shared.faults import Denied
from mcp_warehouse.rights import REGIONS, group_of, regions_of


def test_every_region_has_its_group() -> None:
    for region in REGIONS:
        assert regions_of([group_of(region)]).setting == region


def test_region_all_is_every_region() -> None:
    rights = regions_of(["analyst", "region-all", "region-asia"])
    assert rights.names == REGIONS
    assert rights.setting == "all"


@given(st.sets(st.text(max_size=30)))
def test_no_other_text_opens_anything(groups: set[str]) -> None:
    with pytest.raises(Denied):
        regions_of(groups - {group_of(r) for r in REGIONS} - {"region-all"})


def test_a_filter_outside_the_rights_is_denied() -> None:
    rights = regions_of(["region-asia"])
    rights.narrowed("ASIA")
    rights.narrowed(None)
    with pytest.raises(Denied, match="region-europe"):
        rights.narrowed("EUROPE")
