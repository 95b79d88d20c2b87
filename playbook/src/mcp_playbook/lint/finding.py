"""What a rule reports: which tool, what is wrong, what to write instead, and what it costs."""

from dataclasses import dataclass

RULES = {
    "D1": "purpose",
    "D2": "parameters",
    "D3": "returns",
    "D4": "edge cases",
    "D5": "when, and when not",
    "D6": "annotations",
    "D7": "length",
    "D8": "collision",
    "D9": "safety",
    "D10": "staleness",
}
# the most a rule can take from a tool's 100 points
WEIGHTS = {
    "D1": 18.0,
    "D2": 20.0,
    "D3": 13.0,
    "D4": 10.0,
    "D5": 18.0,
    "D6": 9.0,
    "D7": 7.0,
    "D8": 5.0,
    "D9": 100.0,  # text that a reviewer does not see, or that gives orders, outweighs the rest
    "D10": 5.0,
}


@dataclass(frozen=True, slots=True)
class Finding:
    rule: str
    tool: str
    what: str
    instead: str
    points: float

    @property
    def title(self) -> str:
        return RULES[self.rule]
