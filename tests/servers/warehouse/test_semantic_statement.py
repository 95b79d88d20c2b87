"""What a caller gives never becomes SQL: it is a parameter, whatever it is."""

import re
from datetime import date, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from mcp import Client
from servers.warehouse.conftest import Ask

from mcp_warehouse.metrics import LAYER
from mcp_warehouse.periods import Span
from mcp_warehouse.semantic.question import Question
from mcp_warehouse.semantic.statement import compiled

DAYS = st.dates(date(1990, 1, 1), date(2090, 1, 1))
GROUPS = [(name, group) for name, one in LAYER.metrics.items() for group in one.breakdowns]
CANARY = "zq9'); DROP TABLE sales.orders; --"
WORD = re.compile(r'"[a-z_]+"')


@st.composite
def questions(draw: st.DrawFn, values: st.SearchStrategy[str]) -> Question:
    name, group = draw(st.sampled_from(GROUPS))
    this = Span.of_days(draw(DAYS), draw(st.integers(1, 400)))
    before = Span.of_days(this.first - timedelta(days=1), this.days)
    return Question(
        LAYER, name, group, this, draw(st.sampled_from([before, None])), this.last,
        draw(st.integers(1, 51)), draw(st.integers(0, 10_000)),
        draw(st.dictionaries(st.sampled_from(LAYER.filters), values)),
    )  # fmt: skip


@given(questions(st.text()), st.data())
def test_the_text_depends_on_what_is_chosen_and_never_on_a_value(
    question: Question, data: st.DataObject
) -> None:
    other = data.draw(questions(st.text()))
    also = Question(
        LAYER, question.name, question.group, other.this,
        other.this if question.before else None, other.as_of, other.limit, other.offset,
        {name: data.draw(st.text()) for name in question.filters},
    )  # fmt: skip
    assert compiled(question).text == compiled(also).text


@given(questions(st.just(CANARY)))
def test_a_filters_value_travels_as_a_parameter(question: Question) -> None:
    statement = compiled(question)
    assert "zq9" not in statement.text
    uses = 2 if question.metric.among else 1  # the largest are chosen by the same filters
    assert statement.parameters.count(CANARY) == uses * len(question.filters)


@given(questions(st.text()))
def test_every_parameter_is_numbered_once_and_used(question: Question) -> None:
    statement = compiled(question)
    numbers = [int(found) for found in re.findall(r"\$(\d+)::", statement.text)]
    assert set(numbers) == set(range(1, len(statement.parameters) + 1))
    assert numbers.count(len(statement.parameters)) == 1


@given(questions(st.text()))
def test_every_quoted_name_is_a_name_of_the_layer(question: Question) -> None:
    """An alias is one of two, alone or with the name of a join."""
    known = {
        part for one in LAYER.tables.values() for part in [*one.table.split("."), *one.columns]
    }
    known |= {
        f"{alias}{join}"
        for alias in ("facts", "years")
        for join in ["", *(f"_{j}" for j in LAYER.joins)]
    }
    assert {found.strip('"') for found in WORD.findall(compiled(question).text)} <= known
    assert compiled(question).text.count('"') == 2 * len(WORD.findall(compiled(question).text))


async def test_a_canary_in_any_argument_reaches_no_sql(ask: Ask, monkeypatch: Any) -> None:
    """Through the whole tool, in every argument that takes a text."""
    sent: list[str] = []
    from mcp_warehouse import reader

    def watched(question: Question) -> Any:
        statement = compiled(question)
        sent.append(statement.text)
        return statement

    monkeypatch.setattr(reader, "compiled", watched)
    good = await ask("get_metric", {"metric": "revenue", "nation": " france "})
    assert not good.is_error
    assert len(sent) == 1
    assert "FRANCE" not in sent[0].upper()
    from mcp_warehouse.server import build

    async with Client(build()) as client:
        (tool,) = [one for one in (await client.list_tools()).tools if one.name == "get_metric"]
    for name in tool.input_schema["properties"]:
        result = await ask("get_metric", {"metric": "revenue", name: CANARY})
        assert result.is_error, name
        assert "zq9" not in "".join(sent)
