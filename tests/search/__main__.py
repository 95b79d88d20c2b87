"""`python -m search`: the judged questions, asked of this server's ranking and of three others."""

import argparse
import asyncio
import os
import shutil
from pathlib import Path

import asyncpg
from search.evaluation import OURS, Asked, beside, evaluated, table
from search.judgements import questions
from servers.docs.reading import prepared

from mcp_local import postgres

ROOT = Path(__file__).parents[2]
HANDBOOK = ROOT / "infra" / "sandbox" / "handbook"


def worst(answers: list[Asked], many: int) -> list[str]:
    judged = sorted((one for one in answers if one.question.pages), key=lambda one: one.ndcg)
    return [
        f"{one.ndcg:.2f}  {one.question.ask!r}: {', '.join(one.found[:4]) or 'nothing'}"
        f"  (wanted {', '.join(one.question.pages)})"
        for one in judged[:many]
    ]


async def _evaluated(server: postgres.Postgres) -> dict[str, list[Asked]]:
    admin = await asyncpg.connect(server.url())
    await admin.execute("CREATE DATABASE handbook")
    await admin.close()
    knowledge = await prepared(server.url("handbook"))
    await knowledge.load(HANDBOOK)
    return await evaluated(knowledge, questions())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m search", description=__doc__)
    parser.add_argument("--worst", type=int, default=0, help="name so many that went worst")
    options = parser.parse_args()
    folder = ROOT / ".run" / f"eval-search-{os.getpid()}"
    folder.mkdir(parents=True)
    try:
        with postgres.running(folder / "postgres", {"fsync": "off"}) as server:
            answers = asyncio.run(_evaluated(server))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("\n".join([*table(answers), "", *beside(answers)]))
    if options.worst:
        print("\n".join(["", *worst(answers[OURS], options.worst)]))


if __name__ == "__main__":
    main()
