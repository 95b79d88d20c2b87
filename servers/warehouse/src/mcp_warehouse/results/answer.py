"""What a person's SQL gave, as a tool answers it: rows, or a sample and where the files are."""

import anyio.to_thread
from mcp_types import CallToolResult, ContentBlock, ResourceLink

from mcp_shared.answering import structured
from mcp_shared.faults import Unavailable
from mcp_shared.identity import caller
from mcp_warehouse.access import Desk
from mcp_warehouse.guard import Admitted
from mcp_warehouse.models import ResultColumn, ResultFiles, SqlAnswer
from mcp_warehouse.results.parts import Files, made
from mcp_warehouse.results.resource import CSV, PARQUET, address
from mcp_warehouse.rights import Regions
from mcp_warehouse.warehouse import Selection

SAMPLE_ROWS = 20


def rows(found: Selection, regions: Regions) -> CallToolResult:
    return structured(_answer(found, regions, len(found.rows)))


async def kept(desk: Desk, statement: Admitted, regions: Regions) -> CallToolResult:
    """Run the statement with the limits of a file, keep what it gives, and say where.

    Raises:
        Unavailable: nowhere to keep it, or the database does not answer.
        Invalid: as `select` does.

    """
    if desk.results is None:
        raise Unavailable(
            "Results cannot be kept as files here.", instead="Ask for rows, and for fewer at once."
        )
    found = await desk.patient_exports.select(statement, desk.most_result_rows, regions)
    files = await anyio.to_thread.run_sync(made, found.columns, found.rows)
    identity, until = await desk.results.keep(caller().subject, regions, files.parts)
    numbers = range(1, len(files.parts) + 1)
    answer = _answer(found, regions, SAMPLE_ROWS)
    answer.files = ResultFiles(
        rows=len(found.rows),
        columns=[ResultColumn(column=name, type=kind) for name, kind in files.schema],
        csv=[address(identity, number, "csv") for number in numbers],
        parquet=[address(identity, number, "parquet") for number in numbers],
        kept_until=until,
    )
    told = structured(answer)
    return told.model_copy(update={"content": [*told.content, *_links(identity, files)]})


def _answer(found: Selection, regions: Regions, most: int) -> SqlAnswer:
    return SqlAnswer(
        columns=list(found.columns),
        rows=found.rows[:most],
        truncated=found.truncated,
        regions=list(regions.names),
    )


def _links(identity: str, files: Files) -> list[ContentBlock]:
    return [
        ResourceLink(
            type="resource_link",
            uri=address(identity, number, kind),
            name=f"result-{number}.{kind}",
            description=f"{part.rows} rows, part {number} of {len(files.parts)}",
            mime_type=mime,
            size=size,
        )
        for number, part in enumerate(files.parts, 1)
        for kind, mime, size in (
            ("csv", CSV, len(part.csv)),
            ("parquet", PARQUET, len(part.parquet)),
        )
    ]
