"""Which table a name in SQL means: a WITH query in scope, one of ours, or neither. Pure.

Scope matters: where a WITH query is not visible, PostgreSQL looks the same name up in its catalog.
"""

import re
from collections.abc import Iterator

from sqlglot import exp

# WITH names are compared as PostgreSQL folds and cuts them, which is plain only for these
_PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_TABLE_PARTS = frozenset({"this", "db", "catalog", "alias", "joins", "laterals"})


def qualify(table: exp.Table, schema: str, tables: frozenset[str]) -> str | None:
    """Write schema and name out in place; None when it is not plainly one of `tables`."""
    name = _name(table.this)
    db = table.args.get("db")
    extras = any(value for key, value in table.args.items() if key not in _TABLE_PARTS)
    if (
        extras
        or table.args.get("catalog") is not None
        or (db is not None and _name(db) != schema)
        or name not in tables
    ):
        return None
    table.set("this", exp.to_identifier(name, quoted=True))
    table.set("db", exp.to_identifier(schema))
    return name


def is_cte(table: exp.Table) -> bool:
    """Whether an unqualified name is a WITH query that is visible from there."""
    if table.args.get("db") is not None or table.args.get("catalog") is not None:
        return False
    name = _name(table.this)
    return _PLAIN_NAME.fullmatch(name) is not None and name in _visible(table)


def _visible(node: exp.Expr) -> Iterator[str]:
    inside: exp.Expr = node
    above = node.parent
    while above is not None:
        if isinstance(above, exp.With):
            # a WITH query sees those before it, not itself and not those after it
            for cte in above.expressions:
                if cte is inside:
                    break
                yield _name(cte.args["alias"].this)
        elif isinstance(above, exp.Query) and not isinstance(inside, exp.With):
            with_ = above.args.get("with_")
            for cte in with_.expressions if with_ is not None else ():
                yield _name(cte.args["alias"].this)
        inside, above = above, above.parent


def _name(identifier: object) -> str:
    """An identifier as PostgreSQL folds it; empty for what is not a name, such as a function."""
    if not isinstance(identifier, exp.Identifier):
        return ""
    return identifier.name if identifier.args.get("quoted") else identifier.name.lower()
