from pathlib import Path

import pytest

from sandbox_demo.retention import step_for, steps

POLICY = Path(__file__).parents[3] / "infra/sandbox/handbook/policies/discount-policy.md"


@pytest.mark.parametrize(
    ("decline", "discount"),
    [
        (3.0, "none"),
        (10.0, "up to 2 percentage points"),
        (49.9, "up to 3 percentage points"),
        (80.0, "up to 4 percentage points"),
    ],
)
def test_the_policys_own_table_says_what_a_decline_allows(decline: float, discount: str) -> None:
    step = step_for(decline, steps(POLICY.read_text("utf-8")))
    assert step is not None
    assert step.discount == discount


def test_a_page_without_such_a_table_has_no_steps() -> None:
    assert steps("| a | b | c |\n|---|---|---|\n| 1 | 2 | 3 |") == []
