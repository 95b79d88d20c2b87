"""Decides whether a person's SQL may reach the database, and in which words. Pure: no clock,
no network, no state.

Only the text regenerated from the syntax tree is ever executed: comments, odd quoting and whatever
the parser overlooked do not survive that. The database holds without this guard, too: see
playbook/decisions/0005-warehouse-rights.md.
"""

from dataclasses import dataclass

from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError
from sqlglot.tokenizer_core import TokenType

from mcp_shared.faults import Invalid
from mcp_warehouse import allowed, growth, parse, repair, scope
from mcp_warehouse.growth import AS_IT_IS, Gathered

SCHEMA = "sales"
MAX_CHARACTERS = 10_000
MAX_TOKENS = 2_500
MAX_DEPTH = 25  # of parentheses, brackets and CASE; the parser recurses
MAX_BRACKETS = 20  # the parser is slow in them
MAX_CASTS = 100  # the `::` form nests once for each
MAX_TABLES = 20  # each join may take memory of its own, and WITH queries count where they are read
MAX_LITERAL = 1_000  # characters of one text constant, and of a type such as char(n)

_OPENING = frozenset({TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.CASE})
_CLOSING = frozenset({TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.END})


class Refused(Invalid):
    """SQL that must not run; `reason` is a stable code for logs and tests."""

    def __init__(self, reason: str, what: str, *, instead: str) -> None:
        self.reason = reason
        super().__init__(what, instead=instead)


@dataclass(frozen=True, slots=True)
class Admitted:
    """A statement that passed: proof for whoever executes it. Made only by `admit`."""

    text: str
    tables: frozenset[str]
    columns: tuple[str, ...]  # as named in the text; empty where a `*` decides
    gathered: Gathered | None = AS_IT_IS  # None where no aggregate joins texts


def admit(sql: str, tables: frozenset[str]) -> Admitted:
    """Check one statement against the allow-list; `tables` are those of schema `sales`.

    Raises:
        Refused: with the first thing found that may not be.

    """
    _measure(sql)
    try:
        tree = _parse(sql)
        _check(tree, tables)
        text = tree.sql("postgres", comments=False)
        again = _parse(text)
        found = _check(again, tables)
        if again.sql("postgres", comments=False) != text:
            raise Refused("unstable", "This SQL is read in two ways.", instead="Write it plainer.")
    except (RecursionError, parse.TooManyStepsError):
        raise _too_deep() from None
    except SqlglotError as error:
        raise Refused(
            "syntax",
            f"This is not SQL that PostgreSQL reads{_where(error)}.",
            instead="Check the syntax; one SELECT statement, PostgreSQL dialect.",
        ) from None
    star = any(isinstance(column, exp.Star) or column.is_star for column in again.selects)
    columns = () if star else tuple(again.named_selects)
    return Admitted(text, found, columns, growth.gathered(again))


def _measure(sql: str) -> None:
    """Refuse what would cost too much to parse, by its tokens alone."""
    if len(sql) > MAX_CHARACTERS or "\0" in sql:
        raise Refused(
            "size", f"SQL may have {MAX_CHARACTERS} characters.", instead="Ask for less at once."
        )
    try:
        tokens = parse.tokens(sql)
    except SqlglotError:
        raise Refused(
            "syntax", "A text or comment is not closed.", instead="Check the quotes."
        ) from None
    depth = deepest = brackets = casts = 0
    for token in tokens:
        depth += (token.token_type in _OPENING) - (token.token_type in _CLOSING)
        deepest = max(deepest, depth)
        brackets += token.token_type is TokenType.L_BRACKET
        casts += token.token_type is TokenType.DCOLON
    if deepest > MAX_DEPTH:
        raise _too_deep()
    if len(tokens) > MAX_TOKENS or brackets > MAX_BRACKETS or casts > MAX_CASTS:
        raise Refused("size", "This SQL has too many parts.", instead="Ask for less at once.")


def _where(error: SqlglotError) -> str:
    """The place by number; the parser's own words would repeat the SQL."""
    places = error.errors if isinstance(error, ParseError) else []
    line, column = (places[0].get("line"), places[0].get("col")) if places else (None, None)
    if not isinstance(line, int) or not isinstance(column, int):
        return ""
    return f", near line {line}, character {column}"


def _too_deep() -> Refused:
    return Refused(
        "depth", "This SQL is nested too deeply.", instead="Use WITH to name the inner queries."
    )


def _parse(sql: str) -> exp.Query:
    statements = parse.statements(sql)
    if len(statements) != 1:
        raise Refused(
            "statements",
            f"One statement at a time; this is {len(statements)}.",
            instead="Send a single SELECT.",
        )
    (tree,) = statements
    if type(tree) not in allowed.ROOTS or not isinstance(tree, exp.Query):
        raise Refused(
            "root", "Only SELECT can run here.", instead="Ask with a SELECT, with or without WITH."
        )
    return tree


def _check(tree: exp.Query, tables: frozenset[str]) -> frozenset[str]:
    """Walk every node; qualify each table in place; return the tables read.

    A substring is told to begin and end at numbers: at a text it would be a regular expression.
    """
    used = set()
    read = 0
    for node in tree.walk():
        if type(node) not in allowed.NODES:
            raise _not_allowed(node)
        if isinstance(node, exp.Table):
            read += 1
            if not scope.is_cte(node):
                used.add(_qualified(node, tables))
        elif objection := _objection(node):
            raise objection
        if isinstance(node, exp.Substring):
            _by_numbers(node)
    if growth.too_large(tree):
        raise Refused(
            "growth",
            "This SQL joins too many texts.",
            instead="Return the parts as columns of their own.",
        )
    if read > MAX_TABLES:
        raise Refused(
            "tables",
            f"This SQL reads {read} tables; {MAX_TABLES} is the most.",
            instead="Aggregate first, join fewer, or ask several questions.",
        )
    return frozenset(used)


def _qualified(table: exp.Table, tables: frozenset[str]) -> str:
    name = scope.qualify(table, SCHEMA, tables)
    if name is None:
        raise Refused(
            "table",
            "This SQL reads something that is not a table of the warehouse.",
            instead=repair.table(table.name, tables),
        )
    return name


def _objection(node: exp.Expr) -> Refused | None:  # noqa: PLR0911  a table of cases
    """What speaks against a node whose type is allowed."""
    match node:
        case exp.With(recursive=True):
            return Refused(
                "recursive", "WITH RECURSIVE is not available.", instead="Use a plain WITH."
            )
        case exp.Lateral() if not isinstance(node.this, exp.Subquery):
            return _not_allowed(node)
        case exp.DataType() if node.this not in allowed.CASTS or node.args.get("nested"):
            return Refused(
                "cast",
                "This SQL converts to a type that is not available.",
                instead="Use integer, numeric, text, boolean, date, timestamp or interval.",
            )
        case exp.DataTypeParam() if not _small(node.this):
            return Refused(
                "cast", f"A type may have {MAX_LITERAL} characters.", instead="Leave its size out."
            )
        case exp.Anonymous() if node.name.lower() not in allowed.NAMED_FUNCTIONS:
            return _not_allowed(node)
        case exp.Column() if node.name.lower() in allowed.NOT_COLUMNS | allowed.OF_A_ROW:
            return Refused(
                "column",
                f"{node.name.lower()} is not a column of the warehouse.",
                instead="See describe_table for the columns there are.",
            )
        case exp.Literal() if len(node.name) > MAX_LITERAL:
            return Refused(
                "literal", f"A constant may have {MAX_LITERAL} characters.", instead="Shorten it."
            )
        case _:
            return None


def _by_numbers(node: exp.Substring) -> None:
    for place in ("start", "length"):
        given = node.args.get(place)
        if isinstance(given, exp.Literal) and not given.is_string:
            continue
        if given is not None and not (isinstance(given, exp.Cast) and given.is_type("int")):
            node.set(place, exp.cast(given, "int"))


def _small(size: object) -> bool:
    return isinstance(size, exp.Literal) and size.is_int and int(size.name) <= MAX_LITERAL


def _not_allowed(node: exp.Expr) -> Refused:
    if isinstance(node, exp.Func):
        anonymous = isinstance(node, exp.Anonymous)
        name = node.name.lower() if anonymous else node.sql_name().lower()
        return Refused(
            "function" if anonymous else f"function:{name}",
            "This SQL uses a function that is not available.",
            instead=repair.instead_of(node.key, name),
        )
    return Refused(
        "node",
        "This SQL uses something other than plain reading.",
        instead=repair.part(node.key),
    )
