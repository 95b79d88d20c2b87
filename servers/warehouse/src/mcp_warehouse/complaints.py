"""What the database complains of, in our words: its own messages quote data. Pure."""

from collections.abc import Callable, Mapping

from mcp_shared.faults import Fault, Invalid, Unavailable
from mcp_warehouse import repair

_TOO_LONG = (
    "The query took too long and was stopped.",
    "Narrow it to a shorter period or fewer tables, or use get_metric.",
)
_NO_COLUMN = "A column in this SQL does not exist."
_NOT_GROUPED = "A column is neither grouped nor aggregated."
_NO_FUNCTION = "A function or operator does not exist for these types."
_NO_VALUE = "A value does not convert to the type it is compared with or cast to."

# by SQLSTATE, the longest prefix that fits
_SENTENCES = {
    "57014": _TOO_LONG,
    "25P04": _TOO_LONG,
    "42P01": (
        "A table or alias in this SQL does not exist.",
        "Before a dot, use the table's name or the alias FROM gives it.",
    ),
    "42601": ("PostgreSQL does not accept this syntax.", "Write the query more plainly."),
    "42501": ("This SQL reads something that is not open to you.", "Read tables of schema sales."),
    "42712": ("Two tables have one name in this SQL.", "Give each its own alias."),
    "42809": (
        "A function is called in a form it does not have.",
        "Ranks need OVER (...), percentiles WITHIN GROUP (ORDER BY ...).",
    ),
    "42846": ("One type cannot be cast to the other.", "Go through text, or leave the cast out."),
    "42P10": (
        "ORDER BY, GROUP BY or DISTINCT names something that is not in the select list.",
        "Use a column or position that is selected.",
    ),
    "42P20": (
        "A window function stands where it may not.",
        "Compute it in a WITH query, then filter or group outside.",
    ),
    "21000": ("A sub-query gives more than one row.", "Aggregate it, or use IN."),
    "22012": ("This SQL divides by zero.", "Guard the divisor with NULLIF."),
    "22003": ("A number is out of range.", "Cast to numeric before multiplying or summing."),
    "22007": ("A date or time is not written in a form that is read.", "Write DATE '2026-01-31'."),
    "22008": ("A date or time is out of range.", "Check the day, and what is added to it."),
    "22": ("A value does not convert or is out of range.", "Check constants and casts."),
    "53": ("The query needs more memory or disk than one query gets.", "Narrow or aggregate it."),
    "54": ("The query is larger than the database allows.", "Narrow or aggregate it."),
}

# those that our own names help to mend: what, and the words made of the place and the columns
_MENDED: Mapping[str, tuple[str, Callable[[str, repair.Columns], str]]] = {
    "42703": (_NO_COLUMN, repair.column),
    "42702": ("A column name in this SQL is ambiguous.", repair.ambiguous),
    "42803": (_NOT_GROUPED, repair.grouping),
    "42883": (_NO_FUNCTION, lambda _, columns: repair.types(columns)),
    "42804": ("Types in this SQL do not fit together.", lambda _, columns: repair.types(columns)),
    "22P02": (_NO_VALUE, lambda _, columns: repair.types(columns)),
}


def fault(sqlstate: str, word: str = "", columns: repair.Columns | None = None) -> Fault:
    """The answer to an error of this SQLSTATE; `word` is where it points, for comparing alone."""
    if sqlstate[:2] in {"08", "57"} and sqlstate != "57014":
        return unavailable()
    if mended := _MENDED.get(sqlstate):
        what, words = mended
        return Invalid(f"{what} (SQLSTATE {sqlstate})", instead=words(word, columns or {}))
    for length in (5, 2):
        if sentence := _SENTENCES.get(sqlstate[:length]):
            what, instead = sentence
            return Invalid(f"{what} (SQLSTATE {sqlstate})", instead=instead)
    return Invalid(
        f"The database refused this SQL. (SQLSTATE {sqlstate})",
        instead="Write the query more plainly, or use get_metric.",
    )


def needs_columns(sqlstate: str) -> bool:
    return sqlstate in _MENDED


def too_long() -> Fault:
    return fault("57014")


def too_expensive() -> Fault:
    return Invalid(
        "The database expects this query to cost more than one query may.",
        instead="Join on keys, filter by date, aggregate in a WITH query first; or use get_metric.",
    )


def too_much_text() -> Fault:
    return Invalid(
        "This query would join the texts of more rows than fit into one value.",
        instead="Take the distinct values in a WITH query first, filter, or return them as rows.",
    )


def row_too_long() -> Fault:
    return Invalid(
        "One row of the result is larger than an answer may be.",
        instead="Select fewer columns, or shorten texts with left().",
    )


def busy() -> Fault:
    return Unavailable(
        "The warehouse is busy with other queries.", instead="Try again in a few seconds."
    )


def unavailable() -> Fault:
    return Unavailable(
        "The warehouse does not answer at the moment.",
        instead="Try again in a minute; if it persists, tell the people who run it.",
    )
