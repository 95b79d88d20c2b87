"""Blocks and arguments of a .tf file, expressions as they are written. Enough for tests; no HCL."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

LABEL = re.compile(r'"([^"]*)"|([A-Za-z_][\w-]*)')
BEGIN = re.compile(r'\s*([A-Za-z_][\w-]*)((?:\s+(?:"[^"]*"|[A-Za-z_][\w-]*))*)\s*(\{|=(?!=))')
CLOSERS = {"(": ")", "[": "]", "{": "}"}


@dataclass
class Block:
    file: Path
    kind: str
    labels: tuple[str, ...]
    arguments: dict[str, str] = field(default_factory=dict)
    blocks: list["Block"] = field(default_factory=list)
    text: str = ""

    @property
    def name(self) -> str:
        return ".".join((self.kind, *self.labels))

    def all(self) -> Iterator["Block"]:
        yield self
        for block in self.blocks:
            yield from block.all()

    def inner(self, kind: str) -> list["Block"]:
        return [block for block in self.blocks if block.kind == kind]


def read(file: Path) -> list[Block]:
    text = _uncommented(file.read_text("utf-8"))
    top = Block(file, "file", ())
    end = _fill(top, text, 0)
    assert not text[end:].strip(), f"{file}: not read from {text[end : end + 40]!r}"
    return top.blocks


def _fill(block: Block, text: str, at: int) -> int:
    while True:
        if text[at:].lstrip().startswith("}") or not text[at:].strip():
            return at
        found = BEGIN.match(text, at)
        assert found, f"{block.file}: {text[at : at + 60]!r}"
        name, labels, sign = found[1], tuple(a or b for a, b in LABEL.findall(found[2])), found[3]
        if sign == "=":
            end = _expression(text, found.end())
            block.arguments[name] = text[found.end() : end].strip()
            at = end
            continue
        inner = Block(block.file, name, labels)
        end = _fill(inner, text, found.end())
        at = text.index("}", end) + 1
        inner.text = text[found.start() : at]
        block.blocks.append(inner)


def _expression(text: str, at: int) -> int:
    """To the end of the line at which every bracket is closed."""
    open_: list[str] = []
    while at < len(text):
        mark = text[at]
        if mark == '"':
            at = _string(text, at)
            continue
        if mark == "\n" and not open_:
            return at
        if mark == "}" and not open_:
            return at  # of a block on one line
        if mark in CLOSERS:
            open_.append(CLOSERS[mark])
        elif open_ and mark == open_[-1]:
            open_.pop()
        at += 1
    return at


def _string(text: str, at: int) -> int:
    """Behind the closing quote; `${` opens an expression in which quotes nest."""
    at += 1
    while text[at] != '"':
        if text[at] == "\\":
            at += 2
        elif text.startswith("${", at) and text[at - 1] != "$":
            depth, at = 1, at + 2
            while depth:
                if text[at] == '"':
                    at = _string(text, at)
                    continue
                depth += {"{": 1, "}": -1}.get(text[at], 0)
                at += 1
        else:
            at += 1
    return at + 1


def _uncommented(text: str) -> str:
    """Without # comments; one inside quotes is none."""
    out, at = [], 0
    while at < len(text):
        if text[at] == '"':
            end = _string(text, at)
            out.append(text[at:end])
            at = end
        elif text[at] == "#":
            at = text.find("\n", at) if "\n" in text[at:] else len(text)
        else:
            out.append(text[at])
            at += 1
    return "".join(out)
