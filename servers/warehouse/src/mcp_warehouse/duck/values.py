"""DuckDB's values as PostgreSQL writes them into JSON. Pure."""

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any


def plain(value: Any) -> Any:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Decimal():
            whole = int(value.as_tuple().exponent) >= 0
            return int(value) if whole else float(value)
        case datetime() | date() | time():
            return value.isoformat()
        case list() | tuple():
            return [plain(one) for one in value]
        case dict():
            return {str(key): plain(one) for key, one in value.items()}
        case _:
            return str(value)
