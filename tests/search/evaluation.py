"""The judged questions asked of every ranking, and what came of it."""

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from statistics import mean

import asyncpg
from search import engines
from search.engines import Fts5, Ranking
from search.judgements import KINDS, Question
from search.metric import difference, ndcg, recall
from servers.docs.reading import Knowledge

from mcp_docs.settings import Settings
from mcp_docs.shelf import open_shelf

OURS = "this server"
DEEP, SHOWN = 50, 10


@dataclass(frozen=True, slots=True)
class Asked:
    question: Question
    found: list[str]
    ms: float

    @property
    def ndcg(self) -> float:
        return ndcg(self.found, self.question.pages, SHOWN)

    @property
    def recall(self) -> float:
        return recall(self.found, self.question.pages, DEEP)


async def asked_of(ranking: Ranking, questions: Iterable[Question]) -> list[Asked]:
    answers = []
    for one in questions:
        found = await ranking(one.groups, one.ask, DEEP)
        started = time.perf_counter()
        await ranking(one.groups, one.ask, SHOWN)
        answers.append(Asked(one, found, (time.perf_counter() - started) * 1000))
    return answers


async def evaluated(knowledge: Knowledge, questions: Sequence[Question]) -> dict[str, list[Asked]]:
    """Every ranking's answers; the same sections, in the same run."""
    async with AsyncExitStack() as stack:
        connection = await asyncpg.connect(knowledge.admin_url)
        stack.push_async_callback(connection.close)
        await connection.execute("DROP SCHEMA IF EXISTS eval CASCADE")
        await connection.execute(engines.PREPARE)
        shelf = await stack.enter_async_context(
            open_shelf(Settings(database_url=knowledge.reader_url))
        )
        best, added = Fts5(connection, engines.best_section), Fts5(connection, engines.halved)
        stems = Fts5(connection, engines.halved, stop_words=False)
        for index in (best, added, stems):
            stack.callback(index.close)
        rankings: dict[str, Ranking] = {
            OURS: engines.ours(shelf),
            "SQLite FTS5 bm25": best.ranked,
            "the same, sections added up": added.ranked,
            "and without stop words": stems.ranked,
            "ts_rank_cd, any word": engines.tsrank(connection, engines.ANY_WORD),
            "ts_rank_cd, all words": engines.tsrank(connection, engines.ALL_WORDS),
        }
        answers = {}
        for name, ranking in rankings.items():
            await asked_of(ranking, questions[:3])  # connections and indexes are there before
            answers[name] = await asked_of(ranking, questions)
        await connection.execute("DROP SCHEMA eval CASCADE")
        return answers


def reached(answers: Iterable[Asked]) -> float:
    """Mean recall@50 over the questions that have an answer."""
    return mean(one.recall for one in answers if one.question.pages)


def score(answers: Iterable[Asked], *kinds: str) -> float:
    """Mean nDCG@10 over the questions that have an answer."""
    return mean(
        one.ndcg
        for one in answers
        if one.question.pages and (not kinds or one.question.kind in kinds)
    )


def table(answers: Mapping[str, Sequence[Asked]]) -> list[str]:
    some = next(iter(answers.values()))
    counts = {kind: sum(one.question.kind == kind for one in some) for kind in KINDS}
    judged = [one for one in some if one.question.pages]
    lines = [
        f"{len(some)} questions: "
        + ", ".join(f"{count} {kind}" for kind, count in counts.items())
        + f"; {len(judged)} of them have pages that answer or help",
        "",
        "| ranking | nDCG@10 | plain | typo | hidden | half 0 | half 1 | R@50 | pages in 50 | none |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, all_ in answers.items():
        none = [one for one in all_ if one.question.kind == "none"]
        halves = [[one for one in all_ if one.question.half == half] for half in (0, 1)]
        lines.append(
            f"| {name} | **{score(all_):.3f}** "
            + "".join(f"| {score(all_, kind):.3f} " for kind in KINDS[:3])
            + "".join(f"| {score(half):.3f} " for half in halves)
            + f"| {reached(all_):.3f} | {mean(len(one.found) for one in all_):.0f} "
            f"| {sum(not one.found for one in none)} of {len(none)} |"
        )
    return lines


def beside(answers: Mapping[str, Sequence[Asked]]) -> list[str]:
    """How much better this server is than each other ranking, question by question."""
    scores = {
        name: [one.ndcg for one in all_ if one.question.pages] for name, all_ in answers.items()
    }
    lines = []
    for name, other in scores.items():
        if name != OURS:
            by, least, most = difference(scores[OURS], other)
            lines.append(f"nDCG@10 {by:+.3f} (95 % {least:+.3f} to {most:+.3f}) beside {name}")
    return lines
