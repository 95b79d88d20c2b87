"""Search: the vendor's filter language as SQL over the index.

Values reach PostgreSQL only as parameters. An unset property matches no operator but
NOT_HAS_PROPERTY, as in the vendor's index.
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Numeric,
    and_,
    case,
    cast,
    collate,
    exists,
    false,
    func,
    not_,
    or_,
    select,
    true,
)

from sandbox_crm.catalogue import OBJECT_TYPES, ObjectType, Property
from sandbox_crm.failures import Problem, invalid
from sandbox_crm.question import Filter, Search, Sort
from sandbox_crm.tables import associations, objects, value_of
from sandbox_crm.values import datetime_text, decimal

COLLATION = "pg_c_utf8"

# ASCII punctuation and white space part tokens; every other character belongs to one
_SEPARATORS = r"\s!-/:-@\[-`{-~"
_TOKEN = re.compile(rf"(?:\*|[^{_SEPARATORS}])+")


def condition(kind: ObjectType, search: Search) -> ColumnElement[bool]:
    """Everything a match must fulfil: groups are alternatives, filters in one must all hold."""
    groups = [
        and_(true(), *(_filter(kind, one) for one in group.filters))
        for group in search.filter_groups
    ]
    return and_(
        objects.c.type == kind.name,
        objects.c.indexed.is_not(None),
        or_(*groups) if groups else true(),
        _query(kind, search.query) if search.query else true(),
    )


def order(kind: ObjectType, sorts: Sequence[Sort]) -> list[ColumnElement[Any]]:
    if not sorts:
        return [value_of("indexed", kind.created).asc(), objects.c.id]
    prop = _known(kind, sorts[0].property_name)
    key = _key(kind, prop)
    descending = sorts[0].direction == "DESCENDING"
    return [(key.desc() if descending else key.asc()).nulls_last(), objects.c.id]


def tokens(text: str) -> list[str]:
    return _TOKEN.findall(text.lower())


def _known(kind: ObjectType, name: str) -> Property:
    if prop := kind.properties.get(name):
        return prop
    raise invalid(
        f'Property "{name}" does not exist',
        Problem(
            f'Property "{name}" does not exist', "PROPERTY_DOESNT_EXIST", {"propertyName": [name]}
        ),
    )


def _text(prop: Property) -> ColumnElement[str]:
    return collate(value_of("indexed", prop.name), COLLATION)


def _folded(prop: Property) -> ColumnElement[str]:
    return func.lower(_text(prop))


def _number(kind: ObjectType, prop: Property) -> ColumnElement[Any]:
    # CASE keeps the planner from casting another type's property of the same name
    return cast(case((objects.c.type == kind.name, value_of("indexed", prop.name))), Numeric)


def _filter(kind: ObjectType, one: Filter) -> ColumnElement[bool]:
    if one.property_name.startswith("associations."):
        return _associated(kind, one)
    prop = _known(kind, one.property_name)
    is_set = value_of("indexed", prop.name).is_not(None)
    if one.operator == "HAS_PROPERTY":
        return is_set
    if one.operator == "NOT_HAS_PROPERTY":
        return not_(is_set)
    if one.operator in {"CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"}:
        wanted = tokens(_one(one))
        found = and_(true(), *(_has_token(prop, token) for token in wanted)) if wanted else false()
        return found if one.operator == "CONTAINS_TOKEN" else and_(is_set, not_(found))
    return _compared(kind, prop, one)


_ORDERINGS: Mapping[str, Callable[[Any, Any], Any]] = {
    "LT": operator.lt,
    "LTE": operator.le,
    "GT": operator.gt,
    "GTE": operator.ge,
}


def _compared(kind: ObjectType, prop: Property, one: Filter) -> ColumnElement[bool]:
    found: ColumnElement[bool]
    if one.operator in {"EQ", "NEQ", "IN", "NOT_IN"}:
        return _equal(kind, prop, one)
    if prop.kind not in {"number", "datetime"}:
        raise invalid(f"operator {one.operator} is not supported on {prop.name}")
    key = _key(kind, prop)
    value = _parsed(prop, _one(one))
    if one.operator == "BETWEEN":
        if one.high_value is None:
            raise invalid("operator BETWEEN requires highValue")
        found = and_(key >= value, key <= _parsed(prop, one.high_value))
    else:
        found = _ORDERINGS[one.operator](key, value)
    return found


def _equal(kind: ObjectType, prop: Property, one: Filter) -> ColumnElement[bool]:
    key = func.lower(_key(kind, prop)) if prop.kind == "string" else _key(kind, prop)
    found: ColumnElement[bool]
    if one.operator in {"IN", "NOT_IN"}:
        if not one.values:
            raise invalid(f"operator {one.operator} requires values")
        # the vendor folds the property but not these values: they have to be lower case
        wanted = [_parsed(prop, value) for value in one.values]
        found = key.in_(wanted) if one.operator == "IN" else key.not_in(wanted)
        return found
    value = _parsed(prop, _one(one).lower() if prop.kind == "string" else _one(one))
    found = key == value if one.operator == "EQ" else key != value
    return found


def _key(kind: ObjectType, prop: Property) -> ColumnElement[Any]:
    return _number(kind, prop) if prop.kind == "number" else _text(prop)


def _one(one: Filter) -> str:
    if one.value is None:
        raise invalid(f"operator {one.operator} requires a value")
    return one.value


def _parsed(prop: Property, value: str) -> Any:
    parsed: Any = value
    if prop.kind == "number":
        parsed = decimal(value)
    elif prop.kind == "datetime":
        parsed = datetime_text(value)
    if parsed is None:
        raise invalid(f"value of {prop.name} is not a {prop.kind}")
    return parsed


def _associated(kind: ObjectType, one: Filter) -> ColumnElement[bool]:
    other = one.property_name.removeprefix("associations.")
    target = next((k for k in OBJECT_TYPES.values() if other in {k.singular, k.name}), None)
    if target is None or one.operator not in {"EQ", "IN"}:
        raise invalid(f"unsupported association filter {one.property_name}")
    ids = one.values if one.operator == "IN" else [_one(one)]
    if not ids or not all(re.fullmatch(r"[0-9]{1,18}", each) for each in ids):
        raise invalid("an association filter takes record ids")
    if kind.name == target.name:
        return false()
    return exists(
        select(1).where(
            associations.c.from_type == kind.name,
            associations.c.from_id == objects.c.id,
            associations.c.to_type == target.name,
            associations.c.to_id.in_([int(each) for each in ids]),
        )
    )


def _has_token(prop: Property, token: str) -> ColumnElement[bool]:
    return _folded(prop).regexp_match(_pattern(token, whole=True))


def _query(kind: ObjectType, query: str) -> ColumnElement[bool]:
    """Every word of the query begins a word of the object; without words it finds nothing."""
    terms = tokens(query.replace("*", " "))  # only CONTAINS_TOKEN has wild cards
    text = func.concat_ws(" ", *(value_of("indexed", name) for name in kind.searched))
    folded: ColumnElement[str] = func.lower(collate(text, COLLATION))
    found = (folded.regexp_match(_pattern(term, whole=False)) for term in terms)
    return and_(true(), *found) if terms else false()


def _pattern(token: str, *, whole: bool) -> str:
    """A token at a token's start; `*` stands for the rest of it. A token has no other syntax."""
    inside = token.replace("*", f"[^{_SEPARATORS}]*")
    return rf"(^|[{_SEPARATORS}]){inside}" + (rf"([{_SEPARATORS}]|$)" if whole else "")
