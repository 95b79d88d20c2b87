from datetime import date

import pytest

from mcp_docs.load.front_matter import PageError, dates, split

TODAY = date(2026, 5, 15)


def test_ages_count_back_from_the_day_of_the_load() -> None:
    head, rest = split("---\nupdated_days_ago: 5\nreview_in_days: -1\n---\nBody")
    found = dates(head, TODAY, changed=TODAY)
    assert (found.updated, found.review_by) == (date(2026, 5, 10), date(2026, 5, 14))
    assert rest == "Body"


def test_a_page_is_never_from_the_future() -> None:
    head, _ = split("---\nupdated: 2031-01-01\n---\n")
    assert dates(head, TODAY, changed=TODAY).updated == TODAY


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        ("groups: [", "invalid"),
        ("groups: everyone", "groups: Input should be a valid list"),
        ("groups: []", "at least 1 item"),
        ('groups: ["a,b"]', "a group is lower-case letters"),
        ("group: [finance]", "did you mean 'groups'"),
        ("groups: [finance]\nclassification: secret", "classification"),
        ("updated_days_ago: -3", "greater than or equal to 0"),
        ("- a list", "not a list of keys and values"),
        ("x: !!python/object/apply:os.system [id]", "invalid"),
        ("a: &a [x]\nb: &b [*a,*a]\ntitle: *b", "title"),
    ],
)
def test_a_head_that_is_not_understood_refuses_the_page(head: str, reason: str) -> None:
    with pytest.raises(PageError, match=reason):
        split(f"---\n{head}\n---\nBody")


def test_a_head_without_end_refuses_the_page() -> None:
    with pytest.raises(PageError, match="no end"):
        split("---\ngroups: [finance]\n" + "x" * 9000)


def test_other_tools_keys_are_left_alone() -> None:
    head, _ = split("---\nlayout: post\ntags: [a]\ngroups: [everyone]\n---\n")
    assert head.groups == ["everyone"]


def test_a_rule_at_the_top_is_no_head() -> None:
    assert split("---\n\nJust text")[1] == "---\n\nJust text"
