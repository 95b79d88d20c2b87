"""The mistakes that were known when the agent was written; each bends one argument of a right call.

A mistake gives the bent arguments, or None where it cannot be made. Some mean something else than
the right call did (asking for more than there may be means: as many as there may be): those say
so by changing `right`.
"""

from datetime import date

from mcp_playbook.repair.injector.dice import Dice
from mcp_playbook.repair.injector.schema import (
    Arguments,
    Schema,
    is_day,
    is_digits,
    properties,
    required,
)

SYNONYMS = {
    "account": "customer", "limit": "max_results", "text": "search_text", "query": "question",
    "metric": "metric_name", "period": "time_range", "region": "sales_region", "stage": "new_stage",
    "table": "table_name", "sql": "statement", "doc_id": "document", "owner": "sales_person",
    "deal_id": "opportunity", "status": "state", "max_rows": "row_limit", "section": "chapter",
}  # fmt: skip


def misspelt(sent: Arguments, _right: Arguments, _schema: Schema, dice: Dice) -> Arguments | None:
    names = [name for name in sent if len(name) > 3]
    if not names:
        return None
    name = dice.pick(names)
    at = 1 + dice.below(len(name) - 2)
    return _renamed(sent, name, name[:at] + name[at + 1] + name[at] + name[at + 2 :])


def synonym(sent: Arguments, _right: Arguments, _schema: Schema, dice: Dice) -> Arguments | None:
    names = [name for name in sent if name in SYNONYMS]
    if not names:
        return None
    name = dice.pick(names)
    return _renamed(sent, name, SYNONYMS[name])


def number_as_text(
    sent: Arguments, _right: Arguments, _schema: Schema, dice: Dice
) -> Arguments | None:
    names = [name for name, value in sent.items() if isinstance(value, int)]
    return _with(sent, name := dice.pick(names), str(sent[name])) if names else None


def digits_as_number(
    sent: Arguments, _right: Arguments, schema: Schema, dice: Dice
) -> Arguments | None:
    known = properties(schema)
    names = [n for n, v in sent.items() if is_digits(known.get(n, {})) and str(v).isdigit()]
    return _with(sent, name := dice.pick(names), int(sent[name])) if names else None


def choice_in_other_case(
    sent: Arguments, _right: Arguments, schema: Schema, dice: Dice
) -> Arguments | None:
    names = _choices(sent, schema)
    return _with(sent, name := dice.pick(names), sent[name].swapcase()) if names else None


def choice_misspelt(
    sent: Arguments, _right: Arguments, schema: Schema, dice: Dice
) -> Arguments | None:
    names = _choices(sent, schema)
    names = [name for name in names if len(sent[name]) > 1]
    if not names:
        return None
    value = sent[name := dice.pick(names)]
    at = dice.below(len(value))
    return _with(sent, name, value[:at] + value[at + 1 :])


def too_many(sent: Arguments, right: Arguments, schema: Schema, dice: Dice) -> Arguments | None:
    known = properties(schema)
    names = [name for name in sent if "maximum" in known.get(name, {})]
    if not names:
        return None
    name = dice.pick(names)
    most = known[name]["maximum"]
    right[name] = most
    return _with(sent, name, most * (2 + dice.below(9)))


def left_out(sent: Arguments, _right: Arguments, schema: Schema, dice: Dice) -> Arguments | None:
    names = [name for name in sent if name in required(schema)]
    if not names:
        return None
    gone = dice.pick(names)
    return {name: value for name, value in sent.items() if name != gone}


def one_too_many(
    sent: Arguments, _right: Arguments, _schema: Schema, dice: Dice
) -> Arguments | None:
    name, value = dice.pick(
        [("verbose", True), ("format", "json"), ("reason", "asked"), ("page", 1)]
    )
    return None if name in sent else _with(sent, name, value)


def day_as_people_write(
    sent: Arguments, _right: Arguments, schema: Schema, dice: Dice
) -> Arguments | None:
    known = properties(schema)
    names = [name for name in sent if is_day(known.get(name, {})) and len(str(sent[name])) == 10]
    if not names:
        return None
    day = date.fromisoformat(sent[name := dice.pick(names)])
    forms = [f"{day.day} {day:%B %Y}", f"{day:%Y/%m/%d}", f"{day:%d.%m.%Y}"]
    return _with(sent, name, dice.pick(forms))


def in_a_list(sent: Arguments, _right: Arguments, _schema: Schema, dice: Dice) -> Arguments | None:
    names = [name for name, value in sent.items() if isinstance(value, str | int)]
    return _with(sent, name := dice.pick(names), [sent[name]]) if names else None


def null_for_needed(
    sent: Arguments, _right: Arguments, schema: Schema, dice: Dice
) -> Arguments | None:
    names = [name for name in sent if name in required(schema)]
    return _with(sent, dice.pick(names), None) if names else None


MISTAKES = (
    misspelt, synonym, number_as_text, digits_as_number, choice_in_other_case, choice_misspelt,
    too_many, left_out, one_too_many, day_as_people_write, in_a_list, null_for_needed,
)  # fmt: skip


def _choices(sent: Arguments, schema: Schema) -> list[str]:
    known = properties(schema)
    return [n for n, v in sent.items() if "enum" in known.get(n, {}) and isinstance(v, str)]


def _with(sent: Arguments, name: str, value: object) -> Arguments:
    return {**sent, name: value}


def _renamed(sent: Arguments, old: str, new: str) -> Arguments:
    return {new if name == old else name: value for name, value in sent.items()}
