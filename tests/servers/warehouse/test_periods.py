from datetime import date, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_warehouse.periods import Period, Span, spans

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("period", "as_of", "this", "before"),
    [
        ("last_30_days", "2026-03-01", "2026-01-31 2026-03-01", "2026-01-01 2026-01-30"),
        ("this_month", "2026-03-31", "2026-03-01 2026-03-31", "2026-02-01 2026-02-28"),
        ("this_month", "2026-01-01", "2026-01-01 2026-01-01", "2025-12-01 2025-12-01"),
        ("last_month", "2026-01-15", "2025-12-01 2025-12-31", "2025-11-01 2025-11-30"),
        ("this_quarter", "2026-11-23", "2026-10-01 2026-11-23", "2026-07-01 2026-08-23"),
        ("last_quarter", "2026-02-01", "2025-10-01 2025-12-31", "2025-07-01 2025-09-30"),
        ("this_year", "2028-12-31", "2028-01-01 2028-12-31", "2027-01-01 2027-12-31"),
        ("last_year", "2026-11-23", "2025-01-01 2025-12-31", "2024-01-01 2024-12-31"),
    ],
)
def test_a_period_is_these_days(period: Period, as_of: str, this: str, before: str) -> None:
    def span(text: str) -> Span:
        return Span(*(date.fromisoformat(day) for day in text.split()))

    assert spans(period, date.fromisoformat(as_of)) == (span(this), span(before))


@given(st.sampled_from(get_args(Period)), st.dates(date(1995, 1, 1), date(2100, 1, 1)))
def test_two_periods_never_overlap_and_never_lie_in_the_future(period: Period, as_of: date) -> None:
    this, before = spans(period, as_of)
    assert before.first <= before.last < this.first <= this.last <= as_of
    if not period.startswith("this_"):
        assert before.last + DAY == this.first
    if period.startswith("last_") and period.endswith("days"):
        assert this.days == before.days
