"""A page of ours: its prose, its fences, the code in its sentences."""

import re
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(
    r"^ {0,3}(`{3,}|~{3,})[ \t]*([\w-]*)[^\n]*\n(.*?)^ {0,3}\1[`~]*[ \t]*$",
    re.MULTILINE | re.DOTALL,
)
CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


@dataclass(frozen=True)
class Page:
    path: Path
    text: str

    @property
    def prose(self) -> str:
        return _FENCE.sub("", self.text)

    @property
    def fences(self) -> list[tuple[str, str]]:
        return [(kind, body) for _, kind, body in _FENCE.findall(self.text)]

    @property
    def spans(self) -> list[str]:
        return [span.strip() for span in CODE.findall(self.prose)]


def read(path: Path) -> Page:
    return Page(path, path.read_text("utf-8"))
