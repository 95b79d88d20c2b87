"""What was measured, as tables to read.

Pure: no clock, no network, no state.
"""

from collections.abc import Iterator, Sequence

from bench.figures import figure, ratio
from bench.measured import BUDGET, Run, Turn, of, p50_at

GATEWAY, UPSTREAM = "gateway", "upstream"


def page(run: Run, title: str, plot: str | None) -> str:
    parts = [f"# {title}", *_machine(run)]
    if plot:
        parts.append(f"![CPU per call and latency]({plot})")
    parts += ["## Closed loop", table(run.turns), *_claims(run)]
    if run.reference:
        parts += ["In front of a real server, once:", table(run.reference)]
    if run.open_loop:
        parts += ["## Open loop", *_open_loop(run)]
    if run.replicas:
        parts += ["## Replicas", *_replicas(run)]
    if run.grown:
        parts += ["## Ten and a hundred times more", *_grown(run)]
    if run.streams:
        parts += ["## Open streams", *_streams(run)]
    return "\n\n".join(parts) + "\n"


def _machine(run: Run) -> Iterator[str]:
    one, packages = run.machine, run.machine["packages"]
    sticks = figure(turn.yardstick for turn in run.turns)
    busy = figure(turn.busy for turn in run.turns)
    yield (
        f"{one['cores']} cores of {one['processor']}, {one['memory_gb']} GB, {one['system']}, "
        f"Python {one['python']}, {one['nginx']}, {one['wrk']}, commit {one['commit']}. "
        + ", ".join(f"{name} {version}" for name, version in packages.items())
        + "."
    )
    yield (
        f"Flush to disk {run.flush_ms[0]:.2f} ms (slowest {run.flush_ms[1]:.2f}). Load average "
        f"{run.load_average[0]} before, {busy.shown(1)} meanwhile. A fixed piece of work took "
        f"{sticks.shown(1)} CPU-ms on the subject's core: as far as these differ, so do figures of "
        "one row. Medians, with lowest and highest round; subjects took turns, so ratios hold."
    )


def table(turns: Sequence[Turn]) -> str:
    lines = [
        "| what | conn. | CPU-ms per call | calls/s | p50 ms | p99 ms | spans | gateway costs |",
        "|---|---|---|---|---|---|---|---|",
    ]
    subjects = list(dict.fromkeys(one.subject for one in turns))
    for many in dict.fromkeys(one.connections for one in turns):
        gateway = [one.cpu_ms for one in of(turns, GATEWAY, many)]
        for subject in subjects:
            found = of(turns, subject, many)
            costs = [one.cpu_ms for one in found]
            compared = bool(gateway) and subject not in (GATEWAY, UPSTREAM)
            times = f"{ratio(gateway, costs).shown(2)} times" if compared else ""
            spans = sum(one.spans for one in found) / sum(one.load.requests for one in found)
            lines.append(
                f"| {subject} | {many} | {figure(costs).shown(4)} "
                f"| {figure(one.load.per_second for one in found).shown(0)} "
                f"| {figure(one.load.p50 for one in found).shown(2)} "
                f"| {figure(one.load.p99 for one in found).shown(2)} "
                f"| {f'{spans:.2f}' if spans > 0.01 else ''} | {times} |"
            )
    return "\n".join(lines)


def _claims(run: Run) -> Iterator[str]:
    sampled = sum(one.load.sampled for one in run.turns)
    requests = sum(one.load.requests for one in run.turns)
    failed = sum(one.load.failed for one in run.turns)
    problems = [problem for one in run.turns for problem in one.load.problems]
    yield (
        f"{requests:,} calls, {failed or 'none'} failed{': ' + problems[0] if problems else ''}; "
        "every answer was looked at for its structured result and `isError`, and "
        f"{sampled:,} of them were compared whole. Spans are those that reached the collector, "
        "per call."
    )
    for many in (8, 32):
        if found := of(run.turns, GATEWAY, many):
            cost = figure(one.cpu_ms for one in found).median
            kept = "kept" if cost < BUDGET else "missed"
            yield f"Budget of {BUDGET:.2f} CPU-ms per call at {many} connections: {kept} ({cost:.2f})."
    if run.resting:
        yield (
            f"At rest the gateway takes {run.resting.memory / 2**20:.0f} MB and "
            f"{run.resting.cpu_share:.1%} of a core."
        )
    if of(run.turns, GATEWAY, 1) and of(run.turns, UPSTREAM, 1):
        gateway, upstream = (p50_at(run.turns, one, 1) for one in (GATEWAY, UPSTREAM))
        yield (
            f"At one connection the gateway adds {gateway - upstream:.2f} ms to the median "
            f"({gateway:.2f} instead of {upstream:.2f}). It waits for the disk twice, once for each "
            f"record; before the run, two flushes took {2 * run.flush_ms[0]:.2f} ms."
        )


def _open_loop(run: Run) -> Iterator[str]:
    yield (
        "Calls fall due at a fixed rate; latency counts from that moment. The rates are shares of "
        "what 32 connections reached in the closed loop."
    )
    lines = [
        "| to | share | due/s | answered/s | p50 ms | p90 ms | p99 ms | max ms | failed | open |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {one.subject} | {f'{one.share:.0%}' if one.share else ''} | {one.rate:,.0f} "
        f"| {one.per_second:,.0f} | {one.p50:,.2f} | {one.p90:,.2f} | {one.p99:,.2f} "
        f"| {one.max:,.1f} | {one.failed} | {one.unanswered} |"
        for one in run.open_loop
    ]
    yield "\n".join(lines)
    yield (
        "Rows to the upstream itself show what the generator can do: it is one Python thread, and "
        "where it answers fewer than are due, or its own median rises, it is the limit."
    )


def _replicas(run: Run) -> Iterator[str]:
    lines = [
        "| processes | calls/s together | CPU-ms per call | p50 ms | p99 ms |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {one.processes} | {one.per_second:,.0f} | {one.cpu_ms:.4f} | {one.p50:.2f} "
        f"| {one.p99:.2f} |"
        for one in run.replicas
    ]
    yield "\n".join(lines)
    if run.machine["cores"] < 8:
        yield (
            f"32 connections in all, nothing pinned. {run.machine['cores']} cores carry the load, "
            "the stores and the replicas together: rates show what these cores hold, not how far "
            "replicas scale. With fewer calls on each, a block of the ledger holds fewer records."
        )


def _grown(run: Run) -> Iterator[str]:
    lines = [
        "| more | times | CPU-ms per call | usual size, in turn | ratio | memory MB |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {one.what} | {one.times} | {figure(one.cpu_ms).shown(4)} "
        f"| {figure(one.beside).shown(4)} | {ratio(one.cpu_ms, one.beside).shown(2)} "
        f"| {one.memory / 2**20:,.0f} |"
        for one in run.grown
    ]
    yield "\n".join(lines)
    yield (
        "The usual size: 1 server, 5 tools, 5 roles on each, 10,000 records in the ledger; "
        "8 connections. The first row is another gateway of that same size: how far a ratio can "
        "be from 1 without meaning anything."
    )


def _streams(run: Run) -> Iterator[str]:
    one = run.streams
    assert one is not None
    yield (
        f"{one.opened:,} open `subscriptions/listen` streams: {one.bytes_each * 1000 / 2**20:.1f} "
        f"MB per 1,000, and {one.cpu_share:.1%} of a core while nothing changes."
    )
