"""How large a statement's texts can become, told from its syntax tree. Pure.

PostgreSQL has no limit of its own below a gigabyte, and one copy of a text in an answer is several
in the server.
"""

from dataclasses import dataclass

from sqlglot import exp

# operands of `||`, concat and string_agg: nested in each other, 15 make at most 3^5 of one text,
# which may be a number of 131,072 digits
MOST_JOINED_TEXTS = 15
# what the string_agg of a SELECT count for: they join as many texts as there are rows
AGGREGATED_TEXT = 8


@dataclass(frozen=True, slots=True)
class Gathered:
    """What an aggregate joins of one row: its columns and these characters, so many times."""

    constants: int
    times: float


AS_IT_IS = Gathered(0, 1.0)


def too_large(tree: exp.Query) -> bool:
    """Too many joined texts, or some that another aggregate could join once for each row."""
    selects = {id(one.parent_select) for one in tree.find_all(exp.GroupConcat)}
    return _joined(tree) + AGGREGATED_TEXT * len(selects) > MOST_JOINED_TEXTS


def gathered(tree: exp.Query) -> Gathered | None:
    """None where no aggregate joins texts."""
    if tree.find(exp.GroupConcat) is None:
        return None
    constants = sum(len(one.name) for one in tree.find_all(exp.Literal))
    return Gathered(constants, 3 ** (_joined(tree) / 3))


def _joined(tree: exp.Query) -> int:
    """How many texts meet others, aggregates left out."""
    return sum(map(_operands, tree.find_all(exp.DPipe, exp.Concat, exp.ConcatWs)))


def _operands(node: exp.Expr) -> int:
    if isinstance(node, exp.DPipe):
        return 1 if isinstance(node.this, exp.DPipe) else 2  # of a row, each is one more
    return max(2, len(node.expressions))
