"""Invents contacts, deals and notes for accounts. Pure: the same accounts and day, the same world.

Chance comes from a generator seeded with the account's number, so that a larger scale does not
change the people of an account that was there before.
"""

import random
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Protocol

from sandbox_crm.catalogue import ASSOCIATION_TYPES, OBJECT_TYPES
from sandbox_crm.people import (
    FIRST_NAMES,
    INJECTION,
    JOBS,
    LAST_NAMES,
    NOTES,
    OWNERS,
    PRODUCTS,
)
from sandbox_crm.pipelines import PIPELINES, Pipeline, Stage
from sandbox_crm.tables import FIRST_ID
from sandbox_crm.values import iso

ALWAYS_FEATURED = 50  # account numbers up to here are peopled at every scale: examples name them

_OWNERS_OF = {
    region: [owner for owner in OWNERS if owner.region == region]
    for region in {owner.region for owner in OWNERS}
}


class _Customer(Protocol):
    @property
    def custkey(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def nation(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def segment(self) -> str: ...
    @property
    def phone(self) -> str: ...
    @property
    def acctbal(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Account:
    number: int
    name: str
    country: str
    region: str
    industry: str
    phone: str
    balance: str

    @classmethod
    def of(cls, one: _Customer) -> "Account":
        return cls(
            one.custkey, one.name, one.nation.title(), one.region, one.segment, one.phone,
            str(one.acctbal),
        )  # fmt: skip

    @property
    def domain(self) -> str:
        return self.name.lower().replace("#", "-").replace(" ", "-") + ".example"


@dataclass(frozen=True, slots=True)
class Made:
    id: int
    type: str
    properties: Mapping[str, str]
    created_at: datetime


@dataclass(slots=True)
class World:
    now: datetime
    objects: list[Made] = field(default_factory=list)
    associations: list[tuple[str, int, str, int, int]] = field(default_factory=list)
    ids: Iterator[int] = field(default_factory=lambda: count(FIRST_ID))

    def add(self, kind: str, properties: Mapping[str, str], days_ago: float) -> Made:
        shape, number = OBJECT_TYPES[kind], next(self.ids)
        at = self.now - timedelta(days=days_ago)
        stamps = {"hs_object_id": str(number), shape.created: iso(at), shape.modified: iso(at)}
        made = Made(number, kind, {**properties, **stamps}, at)
        self.objects.append(made)
        return made

    def join(self, a: Made, b: Made) -> None:
        for one, other in ((a, b), (b, a)):
            type_id = ASSOCIATION_TYPES[one.type, other.type]
            self.associations.append((one.type, one.id, other.type, other.id, type_id))


def invented(accounts: Sequence[Account], *, featured: int, now: datetime) -> World:
    """`accounts` come largest first; the first `featured` get people, deals and notes.

    The European account with the lowest number gets the note a stranger wrote.
    """
    world = World(now)
    injected = min((a.number for a in accounts if a.region == "EUROPE"), default=None)
    for rank, account in enumerate(accounts):
        chance = random.Random(account.number)  # noqa: S311  invents names, guards nothing
        owners = _OWNERS_OF[account.region]
        owner = owners[account.number % len(owners)]
        company = world.add("companies", _company(account, owner.id, chance), 400)
        if rank < featured or account.number <= ALWAYS_FEATURED:
            _populate(world, account, company, chance, injected=account.number == injected)
    return world


def _company(account: Account, owner: int, chance: random.Random) -> dict[str, str]:
    return {
        "name": account.name,
        "domain": account.domain,
        "phone": account.phone,
        "country": account.country,
        "region": account.region,
        "industry": account.industry,
        "account_number": str(account.number),
        "account_balance": account.balance,
        "annualrevenue": str(int(10 ** chance.uniform(2.7, 5.3)) * 1_000),
        "numberofemployees": str(int(10 ** chance.uniform(1.0, 3.7))),
        "hubspot_owner_id": str(owner),
    }


def _populate(
    world: World, account: Account, company: Made, chance: random.Random, *, injected: bool
) -> None:
    owner = company.properties["hubspot_owner_id"]
    people: list[Made] = []
    for _ in range(chance.randint(1, 4)):
        person = _contact(account, owner, chance)
        if person["email"] in {one.properties["email"] for one in people}:
            continue
        people.append(world.add("contacts", person, chance.uniform(30, 390)))
        world.join(people[-1], company)
    for _ in range(chance.randint(1, 4)):
        opened = chance.uniform(5, 200)
        deal = world.add("deals", _deal(world.now, account, owner, opened, chance), opened)
        world.join(deal, company)
        world.join(deal, chance.choice(people))
    for text in [chance.choice(NOTES)] * (chance.random() < 0.6) + [INJECTION] * injected:
        contact = chance.choice(people)
        ago = chance.uniform(1, 60)
        first, last = contact.properties["firstname"], contact.properties["lastname"]
        words = text.format(contact=f"{first} {last}", product=chance.choice(PRODUCTS).lower())
        written = {
            "hs_note_body": words,
            "hs_timestamp": iso(world.now - timedelta(days=ago)),
            "hubspot_owner_id": owner,
        }
        note = world.add("notes", written, ago)
        world.join(note, company)
        world.join(note, contact)


def _contact(account: Account, owner: str, chance: random.Random) -> dict[str, str]:
    first, last = chance.choice(FIRST_NAMES), chance.choice(LAST_NAMES)
    plain = unicodedata.normalize("NFKD", f"{first}.{last}").encode("ascii", "ignore").decode()
    return {
        "firstname": first,
        "lastname": last,
        "email": f"{plain.lower()}@{account.domain}",
        "phone": f"{account.phone[:10]}{chance.randint(100, 9999)}",
        "jobtitle": chance.choice(JOBS),
        "company": account.name,
        "lifecyclestage": chance.choice(("lead", "opportunity", "customer")),
        "hubspot_owner_id": owner,
    }


def _deal(
    now: datetime, account: Account, owner: str, opened: float, chance: random.Random
) -> dict[str, str]:
    pipeline = chance.choices(PIPELINES["deals"], weights=(4, 1))[0]
    stage = _stage(pipeline, opened, chance)
    # a closed deal closed in the past; an open one is due, now and then overdue
    days = -chance.uniform(0, opened) if stage.closed else chance.uniform(-10, 150)
    return {
        "dealname": f"{chance.choice(PRODUCTS)} for {account.name}",
        "amount": f"{round(10 ** chance.uniform(3.3, 5.6), -2):.2f}",
        "closedate": iso(now + timedelta(days=days)),
        "pipeline": pipeline.id,
        "dealstage": stage.id,
        "dealtype": "newbusiness" if pipeline.id == "default" else "existingbusiness",
        "hs_is_closed": str(stage.closed).lower(),
        "hs_is_closed_won": str(stage.won).lower(),
        "hubspot_owner_id": owner,
    }


def _stage(pipeline: Pipeline, opened: float, chance: random.Random) -> Stage:
    closed = chance.random() < opened / 300
    return chance.choice([stage for stage in pipeline.stages if stage.closed == closed])
