"""What needs no CRM: texts, cursors, stages, days."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_crm import cursor, stages
from mcp_crm.dates import checked
from mcp_crm.records import record, records
from mcp_crm.stages import Stage
from mcp_crm.text import MAX_CHARACTERS, markup, plain
from mcp_shared.faults import Invalid

KEY = b"k" * 32
printable = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=200)


@given(printable)
def test_text_survives_the_way_into_markup_and_back(words: str) -> None:
    assert plain(markup(words)) == words


@given(st.text(max_size=300))
def test_markup_never_contains_a_tag_of_the_writer_s(words: str) -> None:
    assert "<" not in markup(words).replace("<br>", "")


@given(st.text(max_size=200))
def test_plain_never_fails_and_never_shows_what_is_hidden(words: str) -> None:
    assert not set(plain(words)) & set("\u200b\u202e\u2066\x1b\x00")


def test_a_long_note_is_cut_and_says_so() -> None:
    cut = plain("word " * 5000)
    assert len(cut) <= MAX_CHARACTERS
    assert cut.endswith("…")


@given(st.integers(0, 10**6), st.text(max_size=20), st.text(max_size=20))
def test_a_cursor_opens_with_its_own_question_only(offset: int, one: str, other: str) -> None:
    sealed = cursor.sealed(KEY, offset, [one])
    assert cursor.opened(KEY, sealed, [one]) == offset
    if one != other:
        with pytest.raises(Invalid):
            cursor.opened(KEY, sealed, [other])
    with pytest.raises(Invalid):
        cursor.opened(b"another", sealed, [one])


@given(st.text(min_size=1, max_size=80))
def test_a_made_up_cursor_is_invalid(text: str) -> None:
    with pytest.raises(Invalid):
        cursor.opened(KEY, text, ["question"])


SENT = Stage("3", "Contract sent", "p", "Sales", closed=False, won=False)
QUOTE = Stage("4", "Quote sent", "q", "Renewals", closed=False, won=False)


def test_a_stage_is_known_by_name_and_id_and_only_in_its_pipeline() -> None:
    assert stages.named("CONTRACT sent", [SENT, QUOTE]) == [SENT]
    assert stages.one_of("4", "q", [SENT, QUOTE]) == QUOTE
    with pytest.raises(Invalid, match=r"Stages: Contract sent\."):
        stages.one_of("Quote sent", "p", [SENT, QUOTE])


@pytest.mark.parametrize("day", ["2026-02-30", "2026-13-01", "0000-01-01"])
def test_a_day_the_calendar_lacks_is_invalid(day: str) -> None:
    with pytest.raises(Invalid):
        checked("closing_to", day)


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "results", "properties", "associations", "x"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(json_like)
def test_no_answer_of_a_crm_can_make_reading_it_fail(document: object) -> None:
    record(document)
    if isinstance(document, dict):
        records(document)
