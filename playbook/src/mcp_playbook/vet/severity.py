"""How bad a known vulnerability is: the database's own word, or the CVSS 3 base score.

Pure: no clock, no network, no state. A vector it cannot read leaves the severity unknown, not low.
"""

from collections.abc import Mapping
from typing import Any, Literal

Level = Literal["critical", "high", "medium", "low", "unknown"]

MALWARE = "MAL-"  # the OpenSSF's database of malicious packages
_WORDS: dict[str, Level] = {
    "CRITICAL": "critical", "HIGH": "high", "MODERATE": "medium", "MEDIUM": "medium",
    "LOW": "low", "INFO": "low", "NONE": "low",
}  # fmt: skip
# from the specification of CVSS 3.1, section 7.4
_METRICS: dict[str, dict[str, float]] = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "UI": {"N": 0.85, "R": 0.62},
    "C": {"H": 0.56, "L": 0.22, "N": 0.0},
    "I": {"H": 0.56, "L": 0.22, "N": 0.0},
    "A": {"H": 0.56, "L": 0.22, "N": 0.0},
}
_PRIVILEGES = {
    "U": {"N": 0.85, "L": 0.62, "H": 0.27},
    "C": {"N": 0.85, "L": 0.68, "H": 0.5},
}


def of_word(word: object) -> Level:
    return _WORDS.get(word.upper(), "unknown") if isinstance(word, str) else "unknown"


def of_osv(vulnerability: Mapping[str, Any]) -> Level:
    """The severity of one OSV record; a package that is malware has no score and needs none."""
    if str(vulnerability["id"]).startswith(MALWARE):
        return "critical"
    said = of_word((vulnerability.get("database_specific") or {}).get("severity"))
    if said != "unknown":
        return said
    for one in vulnerability.get("severity") or ():
        if (
            one.get("type") == "CVSS_V3"
            and (score := base_score(str(one.get("score")))) is not None
        ):
            return level(score)
    return "unknown"


def level(score: float) -> Level:
    for least, name in ((9.0, "critical"), (7.0, "high"), (4.0, "medium")):
        if score >= least:
            return name  # type: ignore[return-value]
    return "low"


def base_score(vector: str) -> float | None:
    """The CVSS 3.x base score of a vector; None when it is none."""
    head, *pairs = vector.split("/")
    if not head.startswith("CVSS:3."):
        return None
    metrics = dict(pair.partition(":")[::2] for pair in pairs)
    try:
        scope = metrics["S"]
        values = {name: _METRICS[name][metrics[name]] for name in _METRICS}
        privileges = _PRIVILEGES[scope][metrics["PR"]]
    except KeyError:
        return None
    base = 1 - (1 - values["C"]) * (1 - values["I"]) * (1 - values["A"])
    impact = 6.42 * base
    if scope == "C":
        impact = 7.52 * (base - 0.029) - 3.25 * (base - 0.02) ** 15
    if impact <= 0:
        return 0.0
    ease = 8.22 * values["AV"] * values["AC"] * privileges * values["UI"]
    return _up(min((1.08 if scope == "C" else 1.0) * (impact + ease), 10.0))


def _up(value: float) -> float:
    """Rounded up to one decimal, in whole hundred-thousandths as the specification says."""
    whole = round(value * 100_000)
    return whole / 100_000 if whole % 10_000 == 0 else (whole // 10_000 + 1) / 10
