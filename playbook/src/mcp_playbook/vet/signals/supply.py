"""What is known of how it is made and shipped; each part by itself, most of them often unknown."""

from mcp_playbook.vet import identity, vulnerabilities
from mcp_playbook.vet.licence import is_open, is_stated
from mcp_playbook.vet.record import Record
from mcp_playbook.vet.rubric import Part, Signal, known, unknown
from mcp_playbook.vet.steps import ASK_PUBLISHER, ASK_SCORECARD, CLONE

NAME = "security and supply chain"
NOT_TOLD = "this index does not pass the project's own words on"
LICENCE, POLICY, ATTESTED, SCORECARD = 2.0, 1.0, 1.0, 2.0
# commits and issues of 90 days: scored above, not twice
COUNTED_ELSEWHERE = "Maintained"


def signal(record: Record) -> Signal:
    return Signal(
        NAME,
        (
            _licence(record), identity.part(record), _policy(record), _attested(record),
            vulnerabilities.part(record), _scorecard(record),
        ),
    )  # fmt: skip


def _licence(record: Record) -> Part:
    source = record.get("registry") or record.get("clone")
    if source is None:
        why = record.why("registry", "neither an index entry nor a clone")
        return unknown("licence", LICENCE, why, do="find the licence in the publisher's terms")
    if source.data["licence"] is None:
        return unknown("licence", LICENCE, NOT_TOLD, do="look at the package itself")
    stated = str(source.data["licence"])
    if is_open(stated):
        return known("licence", LICENCE, LICENCE, stated, source)
    if is_stated(stated):
        value = f"{stated}: no open licence's identifier, read it"
        return known("licence", LICENCE, LICENCE / 2, value, source)
    return known("licence", LICENCE, 0.0, "none stated", source)


def _policy(record: Record) -> Part:
    source = record.get("clone")
    if source is None:
        why = record.why("clone", "no clone was given")
        return unknown("SECURITY.md", POLICY, why, do=CLONE)
    there = bool(source.data["security_policy"])
    value = "in the clone" if there else "not in the clone"
    return known("SECURITY.md", POLICY, POLICY if there else 0.0, value, source)


def _attested(record: Record) -> Part:
    source = record.get("registry")
    name, do = "build attestation", ASK_PUBLISHER
    if source is None:
        return unknown(name, ATTESTED, record.why("registry", "no package index lists it"), do=do)
    attested = source.data["attested"]
    if attested is None:
        return unknown(name, ATTESTED, "this index does not pass attestations on", do=do)
    value = "there is one, not verified here" if attested else "none"
    return known(name, ATTESTED, ATTESTED if attested else 0.0, value, source)


def _scorecard(record: Record) -> Part:
    source = record.get("scorecard")
    name = "OpenSSF Scorecard"
    do = ASK_SCORECARD
    if source is None:
        return unknown(name, SCORECARD, record.why("scorecard", "not recorded"), do=do)
    scores = {
        str(check["name"]): float(check["score"])
        for check in source.data["checks"]
        if check["name"] != COUNTED_ELSEWHERE and float(check["score"]) >= 0  # -1: could not tell
    }
    if not scores:
        return unknown(name, SCORECARD, "it could tell nothing", do=do)
    mean = sum(scores.values()) / len(scores)
    value = f"mean {mean:.1f} of 10 over {len(scores)} checks, without {COUNTED_ELSEWHERE}"
    return known(name, SCORECARD, SCORECARD * mean / 10, value, source)
