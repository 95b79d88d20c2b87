"""How alike two tools read: TF-IDF cosine of name and first sentence, over all tools at hand.

Pure: no clock, no network, no state.
"""

import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mcp_playbook.lint.definition import Definition
from mcp_playbook.lint.words import content

TWIN_SIMILARITY = 0.6

ToolId = tuple[str, str]  # server, tool


@dataclass(frozen=True, slots=True)
class Twin:
    tools: tuple[ToolId, ToolId]
    similarity: float


def twins(
    servers: Mapping[str, Sequence[Mapping[str, Any]]], *, threshold: float = TWIN_SIMILARITY
) -> list[Twin]:
    """Pairs of tools, of one server or of two, that read more alike than the threshold."""
    texts = {}
    for server, tools in servers.items():
        for tool in map(Definition, tools):
            texts[server, tool.name] = content(f"{tool.name} {tool.purpose}")
    vectors = _vectors(texts)
    pairs = [
        Twin((one, other), _cosine(vectors[one], vectors[other]))
        for one, other in itertools.combinations(vectors, 2)
    ]
    found = [pair for pair in pairs if pair.similarity > threshold]
    return sorted(found, key=lambda pair: -pair.similarity)


def _vectors(texts: Mapping[ToolId, Sequence[str]]) -> dict[ToolId, dict[str, float]]:
    rarity = Counter(word for words in texts.values() for word in set(words))
    weight = {word: 1 + math.log(len(texts) / count) for word, count in rarity.items()}
    return {
        tool: {word: (1 + math.log(n)) * weight[word] for word, n in Counter(words).items()}
        for tool, words in texts.items()
    }


def _cosine(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    product = sum(value * other.get(word, 0.0) for word, value in one.items())
    lengths = math.hypot(*one.values()) * math.hypot(*other.values())
    return product / lengths if lengths else 0.0
