"""What is kept of a full run: a page, its figures as JSON, and a plot."""

import dataclasses
import datetime as dt
import json
import platform
import re
from pathlib import Path
from typing import Any

from bench import plot, report
from bench.measured import Run

FOLDER = Path(__file__).with_name("results")


def keep(run: Run, day: dt.date) -> Path:
    """Write all three, named by day and machine; the page."""
    FOLDER.mkdir(exist_ok=True)
    name = f"{day.isoformat()}-{machine(run)}"
    picture = FOLDER / f"{name}.svg"
    picture.write_text(plot.svg(run), encoding="utf-8")
    kept = json.dumps(figures(run), indent=1)
    (FOLDER / f"{name}.json").write_text(kept + "\n", encoding="utf-8")
    page = FOLDER / f"{name}.md"
    title = f"What a call costs, {day.isoformat()}"
    page.write_text(report.page(run, title, picture.name), encoding="utf-8")
    return page


def figures(run: Run) -> dict[str, Any]:
    """All of the run, and what is worked out of each turn beside it."""
    document = dataclasses.asdict(run)
    for kind, turns in (("turns", run.turns), ("reference", run.reference)):
        for kept, turn in zip(document[kind], turns, strict=True):
            kept |= {"cpu_ms": turn.cpu_ms, "per_second": turn.load.per_second}
    return document


def machine(run: Run) -> str:
    """Its kind, not its name: host names are nobody's business."""
    processor = re.sub(r"\(R\)|\(TM\)|CPU|Processor|@.*", "", run.machine["processor"])
    words = f"{run.machine['cores']}x-{processor}-{platform.system()}"
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")
