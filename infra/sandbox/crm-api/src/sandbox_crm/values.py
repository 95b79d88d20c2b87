"""Property values on their way in: what is accepted, and the one form each is kept in.

Pure: no clock, no network, no state. Every value is a string on the wire and in the store; dates
are kept in one ISO form so that text order is time order.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal

from sandbox_crm import pipelines
from sandbox_crm.catalogue import ObjectType, Property
from sandbox_crm.failures import Problem

MAX_TEXT = 65_536  # characters of one value
_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,12})?")
_EPOCH_MILLISECONDS = re.compile(r"[0-9]{1,14}")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}\.[^@\s.]{2,}")


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def datetime_text(value: str) -> str | None:
    """Epoch milliseconds or ISO 8601, as kept; None when it is neither."""
    try:
        if _EPOCH_MILLISECONDS.fullmatch(value):
            return iso(datetime.fromtimestamp(int(value) / 1000, UTC))
        moment = datetime.fromisoformat(value)
        return iso(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None


def number_text(value: str) -> str | None:
    return value if _NUMBER.fullmatch(value) else None


def cleaned(prop: Property, value: str) -> str | Problem:
    """The value as kept, or what is wrong with it. An empty value clears and is always right."""
    wrong: tuple[str, str] | None = None
    if value == "":
        return value
    if len(value) > MAX_TEXT or "\x00" in value:
        wrong = ("is too long or not text", "INVALID_STRING")
    elif prop.kind == "number" and number_text(value) is None:
        wrong = ("was not a valid number", "INVALID_NUMBER")
    elif prop.kind == "datetime":
        if moment := datetime_text(value):
            return moment
        wrong = ("was not a valid date", "INVALID_DATE")
    elif prop.options and value not in {option for option, _ in prop.options}:
        wrong = ("was not one of the allowed options", "INVALID_OPTION")
    elif prop.name == "email" and not _EMAIL.fullmatch(value):
        wrong = ("was not a valid address", "INVALID_EMAIL")
    if wrong:
        return Problem(f"{prop.name} {wrong[0]}", wrong[1], {"propertyName": [prop.name]})
    return value


def accept(
    kind: ObjectType, given: Mapping[str, str], existing: Mapping[str, str] | None
) -> tuple[dict[str, str], list[Problem]]:
    """Merge what is given over what exists: the properties as kept, and every problem at once."""
    kept = dict(existing or {})
    problems: list[Problem] = []
    for name, value in given.items():
        prop = kind.properties.get(name)
        context = {"propertyName": [name]}
        if prop is None:
            problems.append(
                Problem(f'Property "{name}" does not exist', "PROPERTY_DOESNT_EXIST", context)
            )
        elif prop.read_only:
            problems.append(
                Problem(f'"{name}" is a read only property', "READ_ONLY_VALUE", context)
            )
        elif isinstance(result := cleaned(prop, value), Problem):
            problems.append(result)
        elif result == "":
            kept.pop(name, None)
        else:
            kept[name] = result
    problems += [
        Problem(f"{prop.name} is required", "REQUIRED_PROPERTY", {"propertyName": [prop.name]})
        for prop in kind.properties.values()
        if prop.required and prop.name not in kept
    ]
    problems += _staged(kind, kept)
    return kept, problems


def _staged(kind: ObjectType, kept: dict[str, str]) -> Iterator[Problem]:
    """Fill in the pipeline of a stage, check that they fit, and derive what follows from them."""
    if kind.pipeline is None:
        return
    pipeline_name, stage_name = kind.pipeline
    stage_id = kept.get(stage_name)
    if stage_id and pipeline_name not in kept:
        found = pipelines.pipeline_of_stage(kind.name, stage_id)
        kept[pipeline_name] = found.id if found else pipelines.PIPELINES[kind.name][0].id
    if pipeline_name not in kept:
        return
    pipeline = pipelines.pipeline(kind.name, kept[pipeline_name])
    if pipeline is None:
        yield Problem(
            f"{kept[pipeline_name]} is not a pipeline",
            "INVALID_OPTION",
            {"propertyName": [pipeline_name]},
        )
        return
    stage = pipeline.stage(stage_id) if stage_id else None
    if stage_id and stage is None:
        yield Problem(
            f"{stage_id} is not a stage of pipeline {pipeline.id}",
            "INVALID_OPTION",
            {"propertyName": [stage_name]},
        )
    elif stage and kind.name == "deals":
        kept["hs_is_closed"] = str(stage.closed).lower()
        kept["hs_is_closed_won"] = str(stage.won).lower()


def decimal(value: str) -> Decimal | None:
    return Decimal(value) if number_text(value) else None
