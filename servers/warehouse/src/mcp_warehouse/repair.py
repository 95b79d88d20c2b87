"""What to write instead, for SQL that was refused. Pure: no clock, no network, no state.

A person's own words are not repeated, since they can be anything; what is named here are our
tables, our columns, and functions by the names of this file.
"""

import difflib
from collections.abc import Collection, Iterable, Mapping

Columns = Mapping[str, Mapping[str, str]]  # by table, by column: its type

ALIKE = 0.6  # of difflib: `revenu` for revenue, not `name` for nation
MOST_COLUMNS = 40  # named in one answer

# the tree's name for it, or the function's own -> what does the same
_INSTEAD: Mapping[tuple[str, ...], str] = {
    ("regexplike", "regexpilike", "regexpreplace", "regexpextract", "regexpsplit", "similarto",
     "regexp_matches", "regexp_match", "regexp_count"):
        "Use LIKE, ILIKE, left, right or split_part.",
    ("arrayagg", "jsonarrayagg", "jsonobjectagg", "jsonb_agg", "jsonbobjectagg", "xmlagg"):
        "Use string_agg, or return the values as rows.",
    ("json_build_object", "row_to_json", "to_json", "to_jsonb", "jsonextract", "jsonextractscalar",
     "jsonbextract", "jsonbextractscalar", "dot", "struct", "row"):
        "Return plain columns; no column here holds JSON or rows.",
    ("explodinggenerateseries", "generateseries", "explode", "unnest", "bracket", "arraysize",
     "stringtoarray", "arraytostring"):
        "Build rows from the tables; for a series of months group by date_trunc('month', ...).",
    ("strtodate", "strtotime", "timestampfromparts", "strftime", "datebin", "year", "month", "day"):
        "Write DATE '2026-01-31', and use extract, date_trunc, make_date or to_char.",
    ("datediff", "dateadd", "datesub", "date_add", "makeinterval", "justifydays"):
        "Subtract two dates for days, and add INTERVAL '1 month' or a number of days to one.",
    ("currentuser", "currentversion", "version", "currentcatalog", "currentschema", "sessionuser"):
        "Nothing about the server or the session can be read; ask for figures.",
    ("repeat", "pad", "replace", "reverse", "translate", "format", "overlay", "chr", "ascii",
     "quote_literal", "encode", "md5"):
        "Of texts there are concat, left, right, lower, upper, trim, split_part and substring.",
    ("median",): "Use percentile_cont(0.5) WITHIN GROUP (ORDER BY ...).",
    ("approxdistinct",): "Use count(DISTINCT ...).",
    ("anyvalue",): "Use min or max.",
    ("countif",): "Use count(*) FILTER (WHERE ...).",
    ("rand", "setseed", "tablesample"): "Order by a column and use LIMIT.",
    ("tonumber",): "Use CAST(... AS numeric).",
    ("into", "create", "insert", "update", "delete", "merge"):
        "Nothing can be written here; select what you want to see.",
    ("lock",): "Leave out FOR UPDATE or FOR SHARE.",
    ("values",): "Use SELECT ... UNION ALL SELECT ... for rows of your own.",
    ("parameter", "placeholder"): "Write the value itself.",
    ("operator",): "Use the plain operators: +, -, *, /, =, <, >, ||, LIKE.",
}  # fmt: skip
_BY_NAME = {name: instead for names, instead in _INSTEAD.items() for name in names}

# as people write them; each is admitted, which a test holds
FUNCTIONS = (
    "sum", "count", "avg", "min", "max", "stddev", "variance", "corr", "percentile_cont",
    "percentile_disc", "mode", "string_agg", "bool_and", "bool_or", "every", "rank", "dense_rank",
    "row_number", "ntile", "lag", "lead", "first_value", "last_value", "nth_value", "cume_dist",
    "percent_rank", "abs", "ceil", "floor", "round", "trunc", "sign", "sqrt", "exp", "ln", "log",
    "greatest", "least", "width_bucket", "power", "mod", "concat", "concat_ws", "initcap", "left",
    "right", "length", "lower", "upper", "trim", "split_part", "starts_with", "strpos", "substring",
    "to_char", "extract", "date_trunc", "date_part", "make_date", "age", "now", "coalesce",
    "nullif",
)  # fmt: skip
PLAIN = "Select, join, filter, group, sort and limit tables of schema sales."
USUAL = "Sums, counts, averages, percentiles, ranks, and the usual text and date functions are."


def instead_of(*names: str) -> str:
    """What to use in place of the first of these names that is known, or of one spelt like it."""
    for name in names:
        if known := _BY_NAME.get(name):
            return known
    for name in names:
        if close := alike(name, FUNCTIONS):
            return f"Did you mean {close}?"
    return USUAL


def part(name: str) -> str:
    """What to do about a part of SQL that is not plain reading."""
    return _BY_NAME.get(name, PLAIN)


def alike(word: str, known: Iterable[str]) -> str:
    """The known name closest to a word; empty when none is close."""
    found = difflib.get_close_matches(word.lower()[:63], list(known), n=1, cutoff=ALIKE)
    return found[0] if found else ""


def table(name: str, tables: Collection[str]) -> str:
    """The words for a table that is not there."""
    close = alike(name, tables)
    meant = f"Did you mean sales.{close}? " if close else ""
    return f"{meant}Schema sales has: {', '.join(sorted(tables))}."


def column(word: str, tables: Columns) -> str:
    """The words for a column that is not there."""
    close = alike(word, sorted({name for columns in tables.values() for name in columns}))
    where = sorted(name for name, columns in tables.items() if close in columns)
    meant = f"Did you mean {close} of {' or '.join(where)}? " if close else ""
    return meant + _listed(tables)


def types(tables: Columns) -> str:
    """Which type each column has, for values and operators that do not fit."""
    return _listed(tables, typed=True)


def grouping(word: str, tables: Columns) -> str:
    which = word if any(word in columns for columns in tables.values()) else "it"
    return f"Add {which} to GROUP BY, or put it into an aggregate."


def ambiguous(word: str, tables: Columns) -> str:
    where = sorted(name for name, columns in tables.items() if word in columns)
    if len(where) < 2:  # the same table twice, or names of the person's own
        return "Put the table's alias before it."
    return f"Put the table's alias before it: {word} is in {' and '.join(where)}."


def word_at(text: str, position: str | None) -> str:
    """The name that an error of the database points at; empty when it points at nothing."""
    at = int(position) - 1 if position and position.isdecimal() else len(text)
    word = ""
    for part in text[at : at + 200].replace('"', "").split("."):
        name = _leading_name(part)
        word = name or word
        if name != part:  # what follows is no longer of this name
            break
    return word


def _leading_name(text: str) -> str:
    end = 0
    while end < len(text) and (text[end].isalnum() or text[end] == "_"):
        end += 1
    return text[:end]


def _listed(tables: Columns, *, typed: bool = False) -> str:
    if not tables:
        return "See describe_table for the columns."
    parts, left = [], MOST_COLUMNS
    for name, columns in tables.items():
        shown = list(columns.items())[:left]
        left -= len(shown)
        if shown:
            said = (f"{column} {kind}" if typed else column for column, kind in shown)
            parts.append(f"{name}: {', '.join(said)}")
    return f"Columns of {'; of '.join(parts)}."
