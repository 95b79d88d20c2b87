"""A record, judged: every signal and every exclusion of the rubric. Makes no connection."""

from mcp_playbook.vet import hiding, identity, vulnerabilities, withdrawn
from mcp_playbook.vet.record import Record
from mcp_playbook.vet.rubric import Audit
from mcp_playbook.vet.signals import commits, completion, descriptions, issues, releases, supply

SIGNALS = (
    commits.signal, issues.signal, releases.signal, descriptions.signal, completion.signal,
    supply.signal,
)  # fmt: skip
EXCLUSIONS = (
    withdrawn.exclusion, identity.exclusion, hiding.exclusion, vulnerabilities.exclusion,
    completion.exclusion,
)  # fmt: skip


def audit(record: Record) -> Audit:
    return Audit(
        subject=record.subject,
        date=record.date,
        signals=tuple(signal(record) for signal in SIGNALS),
        exclusions=tuple(exclusion(record) for exclusion in EXCLUSIONS),
        notes=tuple(_notes(record)),
    )


def _notes(record: Record) -> list[str]:
    """What a reader should know of the sources themselves."""
    found = []
    if (tools := record.get("tools")) and (strangers := tools.data.get("strangers")):
        found.append(f"on stdout, where JSON-RPC alone belongs: {strangers[0]!r}")
    if (registry := record.get("registry")) and not registry.data["dated"]:
        found.append("the index is a copy: what it does not show counts as unknown")
    return found
