"""YAML as configuration needs it: safe tags, no aliases, each key once, no variables filled in.

Whatever a file holds, reading it ends soon, and either with a document or with NotPlainError.
"""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

MAX_BYTES = 1_048_576
# PyYAML makes dates, numbers and the like without asking first whether the text is one
FROM_WITHIN = (
    yaml.YAMLError, ValueError, TypeError, AttributeError, LookupError, ArithmeticError,
)  # fmt: skip


class NotPlainError(Exception):
    """The text says what is wrong with the file, and where."""


class _Plain(yaml.SafeLoader):
    """An alias says nothing that could not be written out, and a few lines of them unfold into more
    memory than there is; a key given twice is a mistake, not an override.
    """

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            line = self.peek_event().start_mark.line + 1  # type: ignore[no-untyped-call]
            raise yaml.YAMLError(f"line {line}: aliases are not read; write it out")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[object] = set()
        for key_node, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in seen:
                line = key_node.start_mark.line + 1
                raise yaml.YAMLError(f"line {line}: the key {key!r} is given twice")
            seen.add(key if isinstance(key, Hashable) else None)
        return super().construct_mapping(node, deep)


def load(path: Path) -> object:
    """The document in a file.

    Raises:
        NotPlainError: it is missing, unreadable, too large, or not such YAML.

    """
    return document(read(path))


def read(path: Path) -> bytes:
    """What a file holds, read once: who parses it and hashes it means the same bytes.

    Raises:
        NotPlainError: it is missing, unreadable, or too large.

    """
    try:
        with path.open("rb") as file:
            found = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise NotPlainError("no such file") from None
    except OSError as error:
        raise NotPlainError(f"cannot be read: {error.strerror}") from error
    if len(found) > MAX_BYTES:
        raise NotPlainError(f"larger than {MAX_BYTES} bytes")
    return found


def document(raw: bytes) -> object:
    """The document in a text.

    Raises:
        NotPlainError: it is not such YAML.

    """
    try:
        return yaml.load(raw.decode("utf-8"), _Plain)  # noqa: S506  a SafeLoader
    except RecursionError:
        raise NotPlainError("not valid YAML: nested too deeply") from None
    except FROM_WITHIN as error:
        raise NotPlainError(f"not valid YAML: {error}") from error
