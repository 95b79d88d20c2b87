"""What leaves in a span: no value that somebody sent, however it got into statement or address."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Status, StatusCode, Tracer

from mcp_shared.redact import Discreet, operation, without_ids, without_literals


def exported(act: Callable[[Tracer], None]) -> tuple[ReadableSpan, ...]:
    kept = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(Discreet(kept)))
    act(provider.get_tracer("test"))
    return kept.get_finished_spans()


@pytest.mark.parametrize(
    ("statement", "shown"),
    [
        ("SELECT name FROM a WHERE id = $1 AND b = $12", "SELECT name FROM a WHERE id = $1 AND b = $12"),
        ("SELECT 'secret', 'it''s secret'", "SELECT ?, ?"),
        (r"SELECT E'secret\'secret', x", "SELECT ?, x"),
        (r"SELECT '\', kept, '", "SELECT ?, kept, ?"),
        ("SELECT $$secret$$, $t$ secret $$ $t$, col1", "SELECT ?, ?, col1"),
        ("SELECT U&'secret', x'ff', N'secret'", "SELECT ?, ?, ?"),
        ("SELECT 12, 1.5e-3, .5, 0x1F, 1_000, t.c2, int4", "SELECT ?, ?, ?, ?, ?, t.c2, int4"),
        ('SELECT "account_name" AS "a secret sentence"', 'SELECT "account_name" AS ?'),
        ("-- secret\nSELECT /* secret */ a, /* secret */ 'secret */ secret'", "SELECT a, ?"),
        ("SELECT a /* secret /* secret */ secret */, b", "SELECT a"),
        (r"SELECT date'\', 'secret', b", "SELECT date?, ?, b"),
        ("SELECT 'secret that never ends", "SELECT ?"),
        ('SELECT "secret that never ends', "SELECT ?"),
        ("SELECT $t$secret that never ends", "SELECT ?"),
        ("SELECT 1 /* secret that never ends", "SELECT ?"),
        ("SET LOCAL app.groups = 'sales,secret'", "SET LOCAL app.groups = ?"),
    ],
)  # fmt: skip
def test_a_statement_keeps_its_form_and_loses_its_values(statement: str, shown: str) -> None:
    assert without_literals(statement) == shown


@given(st.text(max_size=40), st.sampled_from(["'{}'", "$tag${}$tag$", "E'{}'"]))
def test_no_text_gets_out_of_its_literal(value: str, quoted: str) -> None:
    written = value.replace("'", "''").replace("$tag$", "")
    if quoted.startswith("E"):
        written = written.replace("\\", "\\\\")
    statement = f"SELECT a FROM t WHERE b = {quoted.format(written)} AND c = 'x'"
    assert without_literals(statement) == "SELECT a FROM t WHERE b = ? AND c = ?"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (
            "https://user:secret@api.example/crm/objects/2026-09/companies/1141?idProperty=secret#x",
            "https://api.example/crm/objects/2026-09/companies/*",
        ),
        ("http://127.0.0.1:8000/deals/search", "http://127.0.0.1:8000/deals/search"),
        ("/people/Ana%20Secret/notes", "/people/*/notes"),
        ("https://x/contacts/ana@secret.example", "https://x/contacts/*"),
        ("https://x/" + "a" * 40, "https://x/*"),
        ("http://[secret", "*"),
    ],
)
def test_an_address_keeps_its_words_and_loses_ids_and_query(address: str, shown: str) -> None:
    assert without_ids(address) == shown


def test_a_span_leaves_without_statements_values_and_without_messages() -> None:
    held: dict[str, Any] = {
        "db.statement": "-- why\nselect 'secret'", "db.statement.parameters": "('secret',)",
        "http.url": "http://x/a/secret1?q=secret", "db.name": "crm", "count": 3,
    }  # fmt: skip

    def act(tracer: Tracer) -> None:
        with (
            pytest.raises(ValueError, match="secret"),
            tracer.start_as_current_span("--", attributes=held),
        ):
            raise ValueError("the secret value")

    (span,) = exported(act)
    assert span.name == "SELECT"
    assert span.attributes == {
        "db.statement": "select ?", "http.url": "http://x/a/*", "db.name": "crm", "count": 3,
    }  # fmt: skip
    (event,) = span.events
    assert event.attributes is not None
    assert event.attributes["exception.type"] == "ValueError"
    assert span.status.status_code is StatusCode.ERROR
    assert "secret" not in span.to_json()


def test_a_span_keeps_its_place_and_times() -> None:
    def act(tracer: Tracer) -> None:
        with (
            tracer.start_as_current_span("tools/call", attributes={"gen_ai.tool.name": "a"}) as top,
            tracer.start_as_current_span(
                "SELECT", attributes={"db.statement": "SELECT 1"}
            ) as below,
        ):
            below.set_status(Status(StatusCode.ERROR, "secret"))
            seen.extend([top, below])

    seen: list[Any] = []
    below, top = exported(act)
    for span, made in ((top, seen[0]), (below, seen[1])):
        assert span.context == made.context
        assert (span.start_time, span.end_time) == (made.start_time, made.end_time)
        assert (span.kind, span.resource) == (made.kind, made.resource)
        assert span.instrumentation_scope == made.instrumentation_scope
    assert below.parent == top.context
    assert top is seen[0] or top.attributes == {"gen_ai.tool.name": "a"}


def test_the_name_of_a_statement_is_its_first_word() -> None:
    assert [operation(one) for one in ("ROLLBACK;", "select 1", "(select 1)", "")] == [
        "ROLLBACK", "SELECT", "SQL", "SQL",
    ]  # fmt: skip
