"""What the database complains of, in our words: its own messages quote data. Pure."""

from mcp_shared.faults import Fault, Invalid, Unavailable

# by SQLSTATE, the longest prefix that fits
_SENTENCES = {
    "57014": (
        "The query took too long and was stopped.",
        "Narrow it to a shorter period or fewer tables, or use get_metric.",
    ),
    "25P04": (
        "The query took too long and was stopped.",
        "Narrow it to a shorter period or fewer tables, or use get_metric.",
    ),
    "42703": ("A column in this SQL does not exist.", "See describe_table for the columns."),
    "42702": ("A column name in this SQL is ambiguous.", "Put the table's alias before it."),
    "42P01": ("A table or alias in this SQL does not exist.", "See list_tables, or the aliases."),
    "42883": (
        "A function or operator does not exist for these types.",
        "Convert the arguments, or use another function.",
    ),
    "42803": (
        "A column is neither grouped nor aggregated.",
        "Add it to GROUP BY or put it into an aggregate.",
    ),
    "42804": ("Types in this SQL do not fit together.", "Convert one side with CAST."),
    "42601": ("PostgreSQL does not accept this syntax.", "Write the query more plainly."),
    "42501": ("This SQL reads something that is not open to you.", "Read tables of schema sales."),
    "22012": ("This SQL divides by zero.", "Guard the divisor with NULLIF."),
    "22": (
        "A value does not convert or is out of range.",
        "Check constants and casts.",
    ),
    "53": ("The query needs more memory or disk than one query gets.", "Narrow or aggregate it."),
    "54": ("The query is larger than the database allows.", "Narrow or aggregate it."),
}


def fault(sqlstate: str) -> Fault:
    """The answer to an error of this SQLSTATE."""
    if sqlstate[:2] in {"08", "57"} and sqlstate != "57014":
        return unavailable()
    for length in (5, 2):
        if sentence := _SENTENCES.get(sqlstate[:length]):
            what, instead = sentence
            return Invalid(f"{what} (SQLSTATE {sqlstate})", instead=instead)
    return Invalid(
        f"The database refused this SQL. (SQLSTATE {sqlstate})",
        instead="Write the query more plainly, or use get_metric.",
    )


def too_long() -> Fault:
    return fault("57014")


def too_expensive() -> Fault:
    return Invalid(
        "The database expects this query to cost more than one query may.",
        instead="Join on keys, filter by date, aggregate in a WITH query first; or use get_metric.",
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
