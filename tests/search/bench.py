"""`python -m search.bench`: how long a question takes over many sections, with and without rights.

Its own PostgreSQL with its usual settings; pages go in by the loader's own statements.
"""

import argparse
import asyncio
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import mean

import asyncpg
from bench.machine import facts, load_average
from search.corpus import GROUPS, Corpus, percentile
from servers.docs.reading import Knowledge, prepared

from mcp_docs import ranking
from mcp_docs.load import store
from mcp_docs.settings import Settings
from mcp_docs.shelf import open_shelf
from mcp_local import postgres

ROOT = Path(__file__).parents[2]
BATCH = 4_000  # pages in one transaction
WARM = 30  # questions before the clock runs
BUDGET_MS = 50
EVERY_POSTING = 2_000_000_000


def told(line: str) -> None:
    print(line, flush=True)


async def filled(knowledge: Knowledge, corpus: Corpus) -> None:
    connection = await asyncpg.connect(knowledge.admin_url)
    made = corpus.made()
    while pages := list(islice(made, BATCH)):
        await store.save(connection, pages, [], [])
    row = await connection.fetchrow(
        "SELECT (SELECT count(*) FROM docs.section) AS sections,"
        " (SELECT count(*) FROM docs.audience) AS audiences,"
        " (SELECT count(DISTINCT term) FROM docs.word) AS words,"
        " (SELECT count(*) FROM docs.posting) AS postings,"
        " pg_size_pretty(pg_database_size(current_database())) AS size"
    )
    told("  ".join(f"{name}: {value}" for name, value in (row or {}).items()))
    await connection.close()


@dataclass(frozen=True, slots=True)
class Took:
    """Milliseconds of one question: on the clock, and of a processor in PostgreSQL."""

    clock: float
    processor: float


async def backend(knowledge: Knowledge) -> int:
    (row,) = await knowledge.rows(
        "SELECT pid FROM pg_stat_activity"
        " WHERE application_name = 'mcp-docs' AND datname = current_database()"
    )
    return int(row["pid"])


def ran_ns(pid: int) -> int:
    """What a process has had of a processor: the clock says how busy the machine is, this does not."""
    stat = Path(f"/proc/{pid}/schedstat")
    return int(stat.read_text("ascii").split()[0]) if stat.exists() else 0


async def asked(
    knowledge: Knowledge, url: str, groups: Sequence[str], questions: Sequence[str]
) -> list[Took]:
    took = []
    async with open_shelf(Settings(database_url=url, deadline_seconds=60, connections=1)) as shelf:

        async def ask(question: str) -> None:
            await shelf.search(groups, question, collection=None, updated_within_days=None, limit=5)

        for question in questions[:WARM]:
            await ask(question)
        pid = await backend(knowledge)
        for question in questions:
            ran, started = ran_ns(pid), time.perf_counter()
            await ask(question)
            took.append(Took((time.perf_counter() - started) * 1e3, (ran_ns(pid) - ran) / 1e6))
    return took


async def first_tens(
    url: str, groups: Sequence[str], questions: Sequence[str], postings: int
) -> list[set[str]]:
    """The pages of the first ten hits, when so many postings may be read to find them."""
    kept, ranking.MAX_POSTINGS = ranking.MAX_POSTINGS, postings
    try:
        async with open_shelf(Settings(database_url=url, deadline_seconds=60)) as shelf:
            found = [
                await shelf.search(
                    groups, question, collection=None, updated_within_days=None, limit=10
                )
                for question in questions
            ]
    finally:
        ranking.MAX_POSTINGS = kept
    return [{hit.doc_id for hit in one.results} for one in found]


def line(name: str, took: Sequence[Took]) -> str:
    figures = [
        f"{percentile(of, share):.1f}"
        for of in ([one.clock for one in took], [one.processor for one in took])
        for share in (0.5, 0.95, 0.99)
    ]
    return f"| {name} | {' | '.join(figures)} |"


async def measured(server: postgres.Postgres, sections: int, many: int) -> float:
    admin = await asyncpg.connect(server.url())
    await admin.execute("CREATE DATABASE many")
    await admin.close()
    knowledge = await prepared(server.url("many"))
    corpus = Corpus(sections)
    started = time.monotonic()
    await filled(knowledge, corpus)
    told(f"loaded in {time.monotonic() - started:.0f} s; load average {load_average()}\n")
    questions, slips = corpus.questions(many), corpus.questions(many // 4, slips=1)
    every, half = ["everyone", *GROUPS], ["everyone", *GROUPS[:6]]
    told("| questions of 3 to 8 words | p50 ms | p95 ms | p99 ms | processor p50 | p95 | p99 |")
    told("|---|---|---|---|---|---|---|")
    rows = [
        ("no row-level security, all pages", knowledge.admin_url, every, questions),
        ("both locks, all pages", knowledge.reader_url, every, questions),
        ("both locks, six of twenty groups", knowledge.reader_url, half, questions),
        ("both locks, six groups, a slip in each", knowledge.reader_url, half, slips),
    ]
    worst = 0.0
    for name, url, groups, what in rows:
        took = await asked(knowledge, url, groups, what)
        told(line(name, took))
        worst = max(worst, percentile([one.clock for one in took], 0.95))
    told(f"\nload average {load_average()}")
    some = questions[: many // 4]
    ours, all_ = [
        await first_tens(knowledge.reader_url, every, some, postings)
        for postings in (ranking.MAX_POSTINGS, EVERY_POSTING)
    ]
    same = mean(len(a & b) / max(len(b), 1) for a, b in zip(ours, all_, strict=True))
    told(f"of the first ten, {same:.0%} are the same as when every posting is read")
    return worst


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m search.bench", description=__doc__)
    parser.add_argument("--sections", type=int, default=100_000)
    parser.add_argument("--questions", type=int, default=400)
    options = parser.parse_args()
    told(f"{facts()}; load average {load_average()}")
    folder = ROOT / ".run" / f"bench-search-{os.getpid()}"
    folder.mkdir(parents=True)
    try:
        with postgres.running(folder / "postgres", {"fsync": "off"}) as server:
            worst = asyncio.run(measured(server, options.sections, options.questions))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    verdict = "within" if worst < BUDGET_MS else "above"
    told(f"slowest p95 {worst:.1f} ms: {verdict} the budget of {BUDGET_MS} ms")


if __name__ == "__main__":
    main()
