"""HubSpot records as the words of the port. Pure: everything the API says is taken with suspicion.

Every property arrives as text or null, and custom ones may be missing from an account.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mcp_crm.hubspot.text import plain, visible
from mcp_crm.models import Account, Contact, Deal, Note, Owner
from mcp_crm.stages import Stage

CONTACT = (
    "firstname", "lastname", "email", "phone", "jobtitle", "company", "hubspot_owner_id",
)  # fmt: skip
FOUND_BY = ("firstname", "lastname", "email", "company")
COMPANY = (
    "name", "domain", "country", "region", "industry", "annualrevenue", "numberofemployees",
    "account_number", "hubspot_owner_id",
)  # fmt: skip
DEAL = ("dealname", "amount", "closedate", "pipeline", "dealstage", "hubspot_owner_id")
NOTE = ("hs_note_body", "hs_timestamp", "hubspot_owner_id")
MAX_VALUE = 300  # characters of a short property in an answer

_ID = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Record:
    id: str
    properties: Mapping[str, Any]
    linked: Mapping[str, Sequence[str]]
    # by type, where its next page of links begins
    further: Mapping[str, str]

    def text(self, name: str) -> str | None:
        value = self.properties.get(name)
        return visible(value)[:MAX_VALUE] if isinstance(value, str) and value else None

    def number(self, name: str) -> float | None:
        try:
            return float(self.properties.get(name) or "")
        except (TypeError, ValueError):
            return None


def record(document: Any) -> Record | None:
    if not isinstance(document, dict) or not _ID.fullmatch(str(document.get("id"))):
        return None
    properties = document.get("properties")
    linked = document.get("associations")
    return Record(
        str(document["id"]),
        properties if isinstance(properties, dict) else {},
        {
            str(kind): list(_ids(group.get("results")))
            for kind, group in (linked.items() if isinstance(linked, dict) else ())
            if isinstance(group, dict)
        },
        {
            str(kind): after
            for kind, group in (linked.items() if isinstance(linked, dict) else ())
            if isinstance(group, dict) and (after := next_page(group))
        },
    )


def next_page(document: Mapping[str, Any]) -> str | None:
    """Where the next page begins, if there is one."""
    paging = document.get("paging")
    following = paging.get("next") if isinstance(paging, dict) else None
    after = following.get("after") if isinstance(following, dict) else None
    return str(after) if after else None


def records(document: Mapping[str, Any]) -> list[Record]:
    found = document.get("results")
    made = (record(one) for one in (found if isinstance(found, list) else []))
    return [one for one in made if one is not None]


def _ids(results: Any) -> Iterator[str]:
    for one in results if isinstance(results, list) else []:
        if isinstance(one, dict) and _ID.fullmatch(str(one.get("id"))):
            yield str(one["id"])


def links(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Pairs of ids from a batch read of associations."""
    found = document.get("results")
    for one in found if isinstance(found, list) else []:
        source = str(one.get("from", {}).get("id"))
        for to in one.get("to", []):
            target = str(to.get("toObjectId"))
            if _ID.fullmatch(source) and _ID.fullmatch(target):
                yield source, target


@dataclass(frozen=True, slots=True)
class Colleague:
    owner: Owner
    teams: frozenset[str]


def colleague(document: Mapping[str, Any]) -> tuple[str, Colleague]:
    name = f"{document.get('firstName') or ''} {document.get('lastName') or ''}".strip()
    email = str(document.get("email") or "")
    teams = document.get("teams")
    return str(document.get("id")), Colleague(
        Owner(name=visible(name or email), email=visible(email)),
        frozenset(
            str(team["id"])
            for team in (teams if isinstance(teams, list) else [])
            if isinstance(team, dict) and team.get("id")
        ),
    )


def stages(document: Mapping[str, Any]) -> list[Stage]:
    found = document.get("results")
    made = []
    for pipeline in found if isinstance(found, list) else []:
        for one in pipeline.get("stages", []):
            metadata = one.get("metadata") or {}
            closed = str(metadata.get("isClosed")).lower() == "true"
            won = closed and str(metadata.get("probability")) in {"1", "1.0"}
            made.append(
                Stage(
                    str(one["id"]), str(one["label"]), str(pipeline["id"]), str(pipeline["label"]),
                    closed, won,
                )
            )  # fmt: skip
    return made


def contact(one: Record, company: Record | None) -> Contact:
    name = " ".join(part for part in (one.text("firstname"), one.text("lastname")) if part)
    return Contact(
        id=one.id,
        name=name or one.text("email") or "(no name)",
        email=one.text("email"),
        phone=one.text("phone"),
        job_title=one.text("jobtitle"),
        account_name=company.text("name") if company else one.text("company"),
        account_number=company.text("account_number") if company else None,
    )


def account(one: Record) -> Account:
    employees = one.number("numberofemployees")
    return Account(
        id=one.id,
        account_number=one.text("account_number"),
        name=one.text("name") or "(no name)",
        domain=one.text("domain"),
        country=one.text("country"),
        region=one.text("region"),
        industry=one.text("industry"),
        annual_revenue=one.number("annualrevenue"),
        employees=int(employees) if employees is not None else None,
    )


def status(stage: Stage | None) -> Literal["open", "won", "lost"]:
    if stage is None or not stage.closed:
        return "open"
    return "won" if stage.won else "lost"


def deal(
    one: Record,
    known: Sequence[Stage],
    owners: Mapping[str, Owner],
    company: Record | None,
) -> Deal:
    stage = stage_of(one, known)
    owned = owners.get(one.text("hubspot_owner_id") or "")
    return Deal(
        id=one.id,
        name=one.text("dealname") or "(no name)",
        amount=one.number("amount"),
        stage=stage.name if stage else one.text("dealstage") or "(none)",
        pipeline=stage.pipeline if stage else one.text("pipeline") or "(none)",
        status=status(stage),
        close_date=one.text("closedate"),
        owner=owned.name if owned else None,
        account_name=company.text("name") if company else None,
        account_number=company.text("account_number") if company else None,
    )


def stage_of(one: Record, known: Sequence[Stage]) -> Stage | None:
    wanted = one.text("dealstage")
    return next((stage for stage in known if stage.id == wanted), None)


def note(one: Record, owners: Mapping[str, Owner]) -> Note:
    owned = owners.get(one.text("hubspot_owner_id") or "")
    body = one.properties.get("hs_note_body")
    return Note(
        id=one.id,
        at=one.text("hs_timestamp"),
        author=owned.name if owned else None,
        text=plain(body) if isinstance(body, str) else "",
    )
