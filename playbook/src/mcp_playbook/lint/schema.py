"""A JSON schema as a caller meets it: its arguments, what each one says, and what binds it.

Pure: no clock, no network, no state.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_BINDING = (
    "type", "enum", "const", "minimum", "maximum", "minLength", "maxLength", "pattern", "format",
    "maxItems", "minItems", "exclusiveMinimum", "exclusiveMaximum",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Argument:
    """`binds` merges what stands beside `$ref`, `anyOf` and the schema itself; null is left out."""

    name: str
    description: str
    binds: Mapping[str, Any]
    required: bool

    @property
    def default(self) -> Any:
        return self.binds.get("default")


def arguments(schema: Mapping[str, Any]) -> dict[str, Argument]:
    required = schema.get("required") or ()
    properties = schema.get("properties") or {}
    found = {}
    for name, child in properties.items():
        layers = list(_layers(child, schema))
        binds: dict[str, Any] = {}
        for layer in layers:
            binds |= {key: layer[key] for key in _BINDING if key in layer and key not in binds}
        if isinstance(child, Mapping) and "default" in child:
            binds["default"] = child["default"]
        texts = [str(layer["description"]) for layer in layers if layer.get("description")]
        found[name] = Argument(name, " ".join(texts), binds, name in required)
    return found


def field_names(schema: Mapping[str, Any]) -> Iterator[str]:
    """The names of all fields at any depth."""
    for key, value in schema.items():
        if key == "properties" and isinstance(value, Mapping):
            yield from value
            for child in value.values():
                if isinstance(child, Mapping):
                    yield from field_names(child)
        elif key == "$defs" and isinstance(value, Mapping):
            for child in value.values():
                yield from field_names(child) if isinstance(child, Mapping) else ()
        elif isinstance(value, Mapping):
            yield from field_names(value)
        elif isinstance(value, list):
            for child in value:
                yield from field_names(child) if isinstance(child, Mapping) else ()


def top_fields(schema: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """The fields of the answer itself."""
    found: dict[str, Mapping[str, Any]] = {}
    for layer in _layers(schema, schema):
        for name, child in (layer.get("properties") or {}).items():
            found.setdefault(name, child if isinstance(child, Mapping) else {})
    return found


def is_list(schema: Mapping[str, Any], root: Mapping[str, Any]) -> bool:
    return any(layer.get("type") == "array" for layer in _layers(schema, root))


def _layers(
    schema: Any, root: Mapping[str, Any], seen: frozenset[str] = frozenset()
) -> Iterator[Mapping[str, Any]]:
    """The schema, and what its `$ref`, `anyOf`, `oneOf` and `allOf` add; outermost first."""
    if not isinstance(schema, Mapping) or schema.get("type") == "null":
        return
    yield schema
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference not in seen:  # a schema may refer to itself
        yield from _layers(_resolved(reference, root), root, seen | {reference})
    for key in ("anyOf", "oneOf", "allOf"):
        for option in schema.get(key) or ():
            yield from _layers(option, root, seen)


def _resolved(reference: str, root: Mapping[str, Any]) -> Any:
    place: Any = root
    for step in reference.removeprefix("#").strip("/").split("/"):
        place = place.get(step) if isinstance(place, Mapping) else None
    return place
