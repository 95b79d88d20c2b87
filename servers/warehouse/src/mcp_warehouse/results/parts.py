"""Rows become files, CSV and Parquet: each part whole in itself, small enough for an answer."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mcp_warehouse.results.columns import Kind, Rows, kinds, names, typed, written

# of the JSON one part travels in; the gateway takes four megabytes
MOST_WIRE_BYTES = 3_000_000


@dataclass(frozen=True, slots=True)
class Part:
    csv: bytes  # UTF-8
    parquet: bytes
    rows: int


@dataclass(frozen=True, slots=True)
class Files:
    schema: list[tuple[str, Kind]]
    parts: list[Part]


def made(columns: Sequence[str], rows: Rows, most: int = MOST_WIRE_BYTES) -> Files:
    """Every part has the same columns of the same types, and a header of its own."""
    schema = list(zip(names(columns), kinds(len(columns), rows), strict=True))
    return Files(schema, list(_parts(schema, rows, most)))


def _parts(schema: list[tuple[str, Kind]], rows: Rows, most: int) -> Iterator[Part]:
    text, parquet = _csv(schema, rows), _parquet(schema, rows)
    wire = max(len(json.dumps(text, ensure_ascii=False).encode()), len(parquet) * 4 // 3)
    if wire > most and len(rows) > 1:
        half = len(rows) // 2
        yield from _parts(schema, rows[:half], most)
        yield from _parts(schema, rows[half:], most)
        return
    yield Part(text.encode(), parquet, len(rows))


def _csv(schema: list[tuple[str, Kind]], rows: Rows) -> str:
    """Values as they are: whoever opens it in a spreadsheet imports it as data."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)  # RFC 4180: another line end would leave a lone \r unquoted
    writer.writerow(name for name, _ in schema)
    writer.writerows(["" if one is None else written(one) for one in row] for row in rows)
    return text.getvalue()


def _parquet(schema: list[tuple[str, Kind]], rows: Rows) -> bytes:
    # takes as long to load as all the rest, and few calls need it
    import pyarrow as pa  # type: ignore[import-untyped]
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    of = {
        "integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_(), "date": pa.date32(),
        "timestamp": pa.timestamp("us"), "text": pa.string(),
    }  # fmt: skip
    table = pa.table(
        [
            pa.array([typed(kind, row[at]) for row in rows], type=of[kind])
            for at, (_, kind) in enumerate(schema)
        ],
        schema=pa.schema([(name, of[kind]) for name, kind in schema]),
    )
    file = io.BytesIO()
    pq.write_table(table, file, compression="zstd")
    return file.getvalue()
