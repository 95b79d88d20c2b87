"""A search as it is asked for, and the limits the vendor sets to it. Pure."""

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from sandbox_crm.failures import invalid

Operator = Literal[
    "EQ", "NEQ", "LT", "LTE", "GT", "GTE", "BETWEEN", "IN", "NOT_IN", "HAS_PROPERTY",
    "NOT_HAS_PROPERTY", "CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN",
]  # fmt: skip
MAX_GROUPS, MAX_FILTERS_PER_GROUP, MAX_FILTERS = 5, 6, 18  # the strictest the vendor documents
MAX_PAGE = 200
MAX_RESULTS = 10_000
MAX_QUERY = 3_000  # characters
MAX_VALUES = 100

# PostgreSQL has no text with NUL
Value = Annotated[str, Field(max_length=3_000, pattern=r"^[^\x00]*$")]


class Filter(BaseModel):
    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)

    property_name: str = Field(alias="propertyName", max_length=200)
    operator: Operator
    value: Value | None = None
    high_value: Value | None = Field(default=None, alias="highValue")
    values: list[Value] | None = Field(default=None, max_length=MAX_VALUES)


class FilterGroup(BaseModel):
    filters: list[Filter] = Field(default_factory=list)


class Sort(BaseModel):
    property_name: str = Field(alias="propertyName", max_length=200)
    direction: Literal["ASCENDING", "DESCENDING"] = "ASCENDING"


class Search(BaseModel):
    model_config = ConfigDict(coerce_numbers_to_str=True)

    filter_groups: list[FilterGroup] = Field(default_factory=list, alias="filterGroups")
    query: Annotated[str, Field(pattern=r"^[^\x00]*$")] | None = None
    sorts: list[Sort] = Field(default_factory=list, max_length=1)
    properties: list[str] = Field(default_factory=list, max_length=500)
    limit: int = Field(default=10, ge=0, le=MAX_PAGE)
    after: str | None = Field(default=None, max_length=20)

    @property
    def offset(self) -> int:
        if not self.after:
            return 0
        if not re.fullmatch(r"[0-9]{1,9}", self.after):
            raise invalid("after is not a paging cursor")
        return int(self.after)


def check(search: Search) -> None:
    """Refuse what the vendor's limits refuse."""
    counts = [len(group.filters) for group in search.filter_groups]
    if len(counts) > MAX_GROUPS:
        raise invalid(f"too many filterGroups: at most {MAX_GROUPS} are allowed")
    if max(counts, default=0) > MAX_FILTERS_PER_GROUP:
        raise invalid(f"too many filters in a group: at most {MAX_FILTERS_PER_GROUP} are allowed")
    if sum(counts) > MAX_FILTERS:
        raise invalid(f"too many filters: at most {MAX_FILTERS} are allowed")
    if len(search.query or "") > MAX_QUERY:
        raise invalid(f"query is too long: at most {MAX_QUERY} characters are allowed")
    if search.offset + search.limit > MAX_RESULTS:
        raise invalid(f"paging beyond {MAX_RESULTS} results is not supported")
