"""PostgreSQL's SQL as a syntax tree, in bounded time. Pure: no clock, no network, no state.

The parser tries alternatives and goes back; nested in each other, these double with every level,
and thirty joins without a condition keep it busy for hours. Its steps are counted, because no limit
on the length would be short enough.
"""

import logging

from sqlglot import exp
from sqlglot.dialects.postgres import Postgres
from sqlglot.errors import SqlglotError
from sqlglot.parsers.postgres import PostgresParser
from sqlglot.tokenizer_core import Token

MAX_STEPS = 10_000  # forwards and back; ordinary SQL takes one for each word and sign

# The parser logs a statement it does not know; what people ask stays out of the log. A level, since
# `disabled` is reset by whoever configures logging later.
logging.getLogger("sqlglot").setLevel(logging.CRITICAL + 1)


class TooManyStepsError(SqlglotError):
    """The parser went back and forth too often."""


class _CountingParser(PostgresParser):
    steps = 0

    def _advance(self, times: int = 1) -> None:
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise TooManyStepsError("too many steps")
        super()._advance(times)


def tokens(sql: str) -> list[Token]:
    return Postgres().tokenize(sql)


def statements(sql: str) -> list[exp.Expr]:
    """The statements of a text; empty ones are left out.

    Raises:
        SqlglotError: this is not SQL, or it takes too long to say.

    """
    dialect = Postgres()
    found = _CountingParser(dialect=dialect).parse(dialect.tokenize(sql), sql)
    return [one for one in found if one is not None]
