"""What the CRM knows of its own shape: object types and their properties.

Data, not code: the API validates, searches and describes itself from this one table. Property
names here are trusted constants; search puts them into SQL only after looking them up.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["string", "number", "datetime", "enumeration", "bool"]


@dataclass(frozen=True, slots=True)
class Property:
    name: str
    label: str
    kind: Kind = "string"
    options: tuple[tuple[str, str], ...] = ()  # (value, label)
    read_only: bool = False
    unique: bool = False
    required: bool = False


@dataclass(frozen=True, slots=True)
class ObjectType:
    name: str
    singular: str
    type_id: str
    properties: Mapping[str, Property]
    shown: tuple[str, ...]  # answered when the caller names no properties
    searched: tuple[str, ...]  # what `query` looks at
    created: str
    modified: str
    pipeline: tuple[str, str] | None = None  # (pipeline property, stage property)

    @property
    def always(self) -> tuple[str, str, str]:
        return ("hs_object_id", self.created, self.modified)


def _object_type(
    name: str,
    singular: str,
    type_id: str,
    properties: tuple[Property, ...],
    *,
    shown: tuple[str, ...],
    searched: tuple[str, ...],
    created: str = "createdate",
    modified: str = "hs_lastmodifieddate",
    pipeline: tuple[str, str] | None = None,
) -> ObjectType:
    common = (
        Property("hs_object_id", "Record ID", "number", read_only=True),
        Property(created, "Create date", "datetime", read_only=True),
        Property(modified, "Last modified date", "datetime", read_only=True),
        Property("hubspot_owner_id", "Owner"),
    )
    return ObjectType(
        name, singular, type_id, {p.name: p for p in (*common, *properties)},
        shown, searched, created, modified, pipeline,
    )  # fmt: skip


# made by the administrator of an account that runs this kit: finds a write again by its request
_REQUEST_ID = Property("mcp_request_id", "MCP request id", unique=True)

REGIONS = ("AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE EAST")
INDUSTRIES = ("AUTOMOBILE", "BUILDING", "FURNITURE", "HOUSEHOLD", "MACHINERY")


def _options(*values: str) -> tuple[tuple[str, str], ...]:
    return tuple((value, value.replace("_", " ").capitalize()) for value in values)


CONTACTS = _object_type(
    "contacts", "contact", "0-1",
    (
        Property("email", "Email", unique=True),
        Property("firstname", "First name"),
        Property("lastname", "Last name"),
        Property("phone", "Phone number"),
        Property("jobtitle", "Job title"),
        Property("company", "Company name"),
        Property(
            "lifecyclestage", "Lifecycle stage", "enumeration",
            _options("lead", "opportunity", "customer", "evangelist", "other"),
        ),
    ),
    shown=("email", "firstname", "lastname"),
    searched=("firstname", "lastname", "email", "phone", "company"),
    modified="lastmodifieddate",
)  # fmt: skip
COMPANIES = _object_type(
    "companies", "company", "0-2",
    (
        Property("name", "Company name"),
        Property("domain", "Company domain name"),
        Property("phone", "Phone number"),
        Property("country", "Country/Region"),
        Property("industry", "Industry", "enumeration", _options(*INDUSTRIES)),
        Property("annualrevenue", "Annual revenue", "number"),
        Property("numberofemployees", "Number of employees", "number"),
        Property("account_number", "Account number", unique=True),
        Property("region", "Sales region", "enumeration", _options(*REGIONS)),
        Property("account_balance", "Account balance", "number"),
    ),
    shown=("name", "domain"),
    searched=("name", "domain", "phone"),
)  # fmt: skip
DEALS = _object_type(
    "deals", "deal", "0-3",
    (
        Property("dealname", "Deal name"),
        Property("amount", "Amount", "number"),
        Property("closedate", "Close date", "datetime"),
        Property("pipeline", "Pipeline"),
        Property("dealstage", "Deal stage"),
        Property(
            "dealtype", "Deal type", "enumeration", _options("newbusiness", "existingbusiness")
        ),
        Property("description", "Deal description"),
        Property("hs_is_closed", "Is deal closed?", "bool", read_only=True),
        Property("hs_is_closed_won", "Is closed won", "bool", read_only=True),
        _REQUEST_ID,
    ),
    shown=("dealname", "amount", "closedate", "pipeline", "dealstage"),
    searched=("dealname", "description"),
    pipeline=("pipeline", "dealstage"),
)  # fmt: skip
TICKETS = _object_type(
    "tickets", "ticket", "0-5",
    (
        Property("subject", "Ticket name"),
        Property("content", "Ticket description"),
        Property("hs_pipeline", "Pipeline"),
        Property("hs_pipeline_stage", "Ticket status"),
        Property(
            "hs_ticket_priority", "Priority", "enumeration",
            _options("LOW", "MEDIUM", "HIGH", "URGENT"),
        ),
        _REQUEST_ID,
    ),
    shown=("subject", "content", "hs_pipeline", "hs_pipeline_stage", "hs_ticket_priority"),
    searched=("subject", "content"),
    pipeline=("hs_pipeline", "hs_pipeline_stage"),
)  # fmt: skip
NOTES = _object_type(
    "notes", "note", "0-46",
    (
        Property("hs_note_body", "Note body"),
        Property("hs_timestamp", "Activity date", "datetime", required=True),
        _REQUEST_ID,
    ),
    shown=(),
    searched=("hs_note_body",),
    created="hs_createdate",
)  # fmt: skip
TASKS = _object_type(
    "tasks", "task", "0-27",
    (
        Property("hs_task_subject", "Task title"),
        Property("hs_task_body", "Task notes"),
        Property("hs_timestamp", "Due date", "datetime", required=True),
        Property(
            "hs_task_status", "Task status", "enumeration",
            _options("NOT_STARTED", "IN_PROGRESS", "WAITING", "COMPLETED", "DEFERRED"),
        ),
        Property(
            "hs_task_priority", "Priority", "enumeration",
            _options("NONE", "LOW", "MEDIUM", "HIGH"),
        ),
        _REQUEST_ID,
    ),
    shown=(),
    searched=("hs_task_subject", "hs_task_body"),
    created="hs_createdate",
)  # fmt: skip

OBJECT_TYPES: Mapping[str, ObjectType] = {
    kind.name: kind for kind in (CONTACTS, COMPANIES, DEALS, TICKETS, NOTES, TASKS)
}

# type ids of the vendor's own unlabelled associations, by (from, to)
ASSOCIATION_TYPES: Mapping[tuple[str, str], int] = {
    ("contacts", "companies"): 279, ("companies", "contacts"): 280,
    ("deals", "companies"): 341, ("companies", "deals"): 342,
    ("deals", "contacts"): 3, ("contacts", "deals"): 4,
    ("contacts", "tickets"): 15, ("tickets", "contacts"): 16,
    ("deals", "tickets"): 27, ("tickets", "deals"): 28,
    ("tickets", "companies"): 339, ("companies", "tickets"): 340,
    ("companies", "notes"): 189, ("notes", "companies"): 190,
    ("contacts", "notes"): 201, ("notes", "contacts"): 202,
    ("deals", "notes"): 213, ("notes", "deals"): 214,
    ("tickets", "notes"): 227, ("notes", "tickets"): 228,
    ("companies", "tasks"): 191, ("tasks", "companies"): 192,
    ("contacts", "tasks"): 203, ("tasks", "contacts"): 204,
    ("deals", "tasks"): 215, ("tasks", "deals"): 216,
    ("tickets", "tasks"): 229, ("tasks", "tickets"): 230,
}  # fmt: skip
