"""Memory is bounded: the oldest goes, whatever is sent."""

from dataclasses import replace

from sandbox.telemetry.sent import Standin, counter, span

from sandbox_telemetry.limits import Limits

LIMITS = Limits()


async def test_the_oldest_trace_goes_when_there_are_too_many() -> None:
    standin = Standin(replace(LIMITS, traces=3))
    for trace in range(1, 6):
        await standin.spans(span(trace=trace))
    assert await standin.kept() == [f"{trace:032x}" for trace in (5, 4, 3)]
    assert (await standin.http.get(f"/api/traces/{1:032x}")).status_code == 404


async def test_a_trace_that_grows_without_end_is_cut_and_says_so() -> None:
    """A caller chooses the trace id; one id for all calls must not fill the memory."""
    standin = Standin(replace(LIMITS, spans_per_trace=10))
    assert await standin.spans(*(span(number=number) for number in range(1, 16))) == 5
    page = await standin.http.get(f"/trace/{1:032x}")
    assert "10 spans and 5 left out" in " ".join(page.text.split())


async def test_an_export_that_is_repeated_adds_nothing() -> None:
    standin = Standin(replace(LIMITS, spans_per_trace=2))
    for _ in range(5):
        assert await standin.spans(span(number=1), span(number=2, parent=1)) == 0
    (batch,) = (await standin.json(f"/api/traces/{1:032x}"))["batches"]
    assert len(batch["scopeSpans"][0]["spans"]) == 2


async def test_large_spans_push_old_traces_out() -> None:
    standin = Standin(replace(LIMITS, kept_bytes=10_000, span_bytes=4_000))
    for trace in range(1, 20):
        await standin.spans(span(trace=trace, name="x" * 3_000))
    kept = await standin.kept()
    assert 1 <= len(kept) <= 3
    assert kept[0] == f"{19:032x}"


async def test_a_span_beyond_its_size_is_refused_alone() -> None:
    standin = Standin(replace(LIMITS, span_bytes=2_000))
    assert await standin.spans(span(trace=1), span(trace=2, name="x" * 3_000)) == 1
    assert await standin.kept() == [f"{1:032x}"]


async def test_traces_and_series_are_forgotten_with_age() -> None:
    standin = Standin()
    await standin.spans(span())
    await standin.metrics(counter("calls", 1))
    standin.clock.now += LIMITS.age_seconds - 1
    assert len(await standin.kept()) == 1
    standin.clock.now += 2
    assert await standin.kept() == []
    names = await standin.json("/api/v1/label/__name__/values")
    assert names["data"] == []


async def test_the_series_longest_unheard_goes_when_there_are_too_many() -> None:
    standin = Standin(replace(LIMITS, series=3))
    for tool in ("a", "b", "c", "a", "d"):
        await standin.metrics(counter("calls", 1, tool=tool))
    told = await standin.json("/api/v1/label/tool/values")
    assert told["data"] == ["a", "c", "d"]


async def test_labels_beyond_their_size_are_refused() -> None:
    standin = Standin()
    assert await standin.metrics(counter("calls", 1, tool="x" * LIMITS.labels_bytes)) == 1
    assert await standin.metrics(counter("calls", 1, tool="x")) == 0
