"""A01, A03, A04, A05, A07: names, and what an answer tells of those that are not one's own."""

import math
import random
import time
from typing import Any

import pytest
from attacks.oracle import Told, unharmed
from house.asks import GOOD, body_of, error_of, result_of, without_receipt
from house.backends import Counted, a_server, counted_server
from house.conftest import Opened
from house.folders import POLICIES
from house.house import META, House
from house.toolbox import count_letters
from people import Issuer

from mcp_gateway.configuration.settings import Rate
from mcp_gateway.limits import throttle
from mcp_gateway.protocol import encode_header
from mcp_shared import serve

MANY = Rate(calls=1_000_000, seconds=1)
WIDE = "limits: { person_rate: 100000/minute, refused_rate: 100000/minute }\n"
NOTE = {"number": 1, "idempotency_key": "key-00001"}


@pytest.fixture(autouse=True)
def guessing_is_not_slowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the limit would hide what an attack finds."""
    monkeypatch.setattr(throttle, "UNKNOWN_RATE", MANY)


def spelt(name: str) -> list[str]:
    """What somebody might take for this name, or a careless reader turn into it."""
    server, _, tool = name.partition("_")
    wide = "".join(chr(ord(one) + 0xFEE0) for one in name)
    found = [
        "", server, f"{server}_", f"_{tool}", tool, name.upper(), name.title(), name.capitalize(),
        f"{server}_{tool.capitalize()}", f"{name} ", f" {name}", f"{name}.", f".{name}", f"{name}\t",
        f"{name}\n", f"{name}\r\n", f"{server}__{tool}", f"{server}.{tool}", f"{server}/{tool}",
        f"{server}-{tool}", f"{server}:{tool}", f"{server}%5F{tool}", name.replace("_", "%5f"), wide,
        wide[0] + name[1:], name.replace("o", "о"), name.replace("e", "е"), name.replace("n", "ո"),
        f"{server}_\u200d{tool}", f"{name}\u200b", f"\ufeff{name}", f"{name}\u00ad", f"{name}\u0307",
        f"\u202e{name[::-1]}", f"{server}＿{tool}", f"{server}_{server}_{tool}", f"../{name}",
        f"{server}_../{tool}", f"{server}_*", "*", f"{name}*", f"{name}?", f"{name}#", f"{name};x",
        f"{name},x", f'"{name}"', f"'{name}'", f"{name}\\", name[:-1], f"{name}{name}",
        "n" * 128, "n" * 129, name + "x" * 100_000, "[object Object]", "null", "__proto__",
    ]  # fmt: skip
    return [one for one in found if one != name]  # a letter that it does not have was replaced


@pytest.mark.parametrize(
    ("person", "name"), [("ana", GOOD["name"]), ("dee", "numbers_note_number")]
)
async def test_A01_only_the_exact_name_leads_to_a_tool(
    server: Counted, opened: Opened, person: str, name: str
) -> None:
    async with opened(server, extra=WIDE) as home:
        result_of(await home.call(GOOD["name"], GOOD["arguments"]))  # the first takes longer
        await _spelt_otherwise(home, person, name)


async def _spelt_otherwise(home: House, person: str, name: str) -> None:
    async with unharmed(home) as told:
        answers = set()
        for one in spelt(name):
            params = {"name": one, "arguments": NOTE, "_meta": META}
            answer = told.answer(
                await home.call(
                    "x", {}, person=person, headers={"mcp-name": encode_header(one)},
                    body=body_of(params=params),
                )
            )  # fmt: skip
            assert error_of(answer)["code"] == -32602, ascii(one)
            answers.add(repr(without_receipt(answer)))
        assert len(answers) == 1
        for record in await home.records(kind="refusal"):
            assert record["decision"] == "deny"


# --- A03

PEOPLE = ("ana", "ben", "cho", "dee", "olu")
# what there is: whose it is, and by what it could be recognised
THINGS: dict[str, tuple[set[str], list[str]]] = {
    "add_numbers": ({"ana", "dee"}, ["add_numbers", "Add up to five", "How to write it"]),
    "note_number": ({"ana"}, ["note_number", "Note a digit", "idempotency"]),
    "wait_long": ({"ana"}, ["wait_long", "Wait, and say so", "How long"]),
    "sum_up": ({"ana"}, ["sum_up", "Sum up", "Add digits and say"]),
    "digits": ({"ana", "ben"}, ["numbers://digits", "{digit}"]),
    "count_letters": ({"ana", "ben"}, ["count_letters", "Count the letters", "What to count in"]),
    "alphabet": ({"ana"}, ["letters://alphabet"]),
    "the server letters": ({"ana", "ben"}, ["About letters"]),
    "the server numbers": ({"ana", "ben", "dee"}, ["About numbers"]),
}
LISTS = ("tools/list", "prompts/list", "resources/list", "resources/templates/list")
ODD: list[tuple[str, dict[str, Any]]] = [
    ("server/discover", {}), ("ping", {}), ("initialize", {"protocolVersion": "2025-11-25"}),
    ("tools/list", {"cursor": "AAAA"}),
    ("completion/complete", {"ref": {"type": "ref/prompt", "name": "x"}, "argument": {"name": "of", "value": ""}}),
    ("completion/complete", {"ref": {"type": "ref/resource", "uri": "x://y"}, "argument": {"name": "digit", "value": ""}}),
    ("tools/call", {"name": "x", "arguments": {}}), ("tools/call", {"name": "numbers_", "arguments": {}}),
    ("tools/call", {"name": "letters_x", "arguments": 1}), ("prompts/get", {"name": "numbers_x"}),
    ("resources/read", {"uri": "nothing://x"}), ("resources/read", {"uri": ""}),
    ("tools/nothing", {}), ("logging/setLevel", {"level": "x"}), ("tasks/list", {}),
]  # fmt: skip


async def everything(home: House, told: Told, person: str) -> bytes:
    """All that somebody gets to read who asks for all there is, and for more."""
    read, recorded = [], 0
    for endpoint in ("", "numbers", "letters"):
        for method, params in [(one, {}) for one in LISTS] + ODD:
            for ask in (home.post, home.legacy):
                answer = await ask(method, params, person=person, endpoint=endpoint)
                read.append(repr(answer.headers.multi_items()).encode() + answer.content)
                recorded += b"audit" in answer.content
    for path in ("/healthz", "/readyz", "/.well-known/oauth-protected-resource/mcp", "/nothing"):
        read += [(await home.http.get(path)).content]
    told.heard += read
    told.answers += recorded
    return b"\n".join(read)


@pytest.mark.parametrize("person", PEOPLE)
async def test_A03_what_is_not_ones_own_is_in_nothing_that_one_can_read(
    home: House, person: str
) -> None:
    async with unharmed(home) as told:
        read = await everything(home, told, person)
        for name, (whose, signs) in THINGS.items():
            for sign in signs:
                if person not in whose:
                    assert sign.encode() not in read, (name, sign)
            if person in whose:
                assert any(sign.encode() in read for sign in signs), name


# --- A04

PAIRS: list[tuple[str, str, str, str]] = [
    ("tools/call", "name", "numbers_note_number", "numbers_cite_number"),
    ("tools/call", "name", "letters_count_letters", "letters_cound_letters"),
    ("tools/call", "name", "letters_count_letters", "lettres_count_letters"),
    ("prompts/get", "name", "numbers_sum_up", "numbers_add_up"),
    ("resources/read", "uri", "numbers://digits/1", "nothing://digits/1"),
    ("resources/read", "uri", "letters://alphabet", "letters://alphabed"),
]
SAMPLE = 120
# of two samples of one distribution, so large a distance comes once in a million runs; what goes
# another way (a look at a server, a query more) lies beyond it even on a busy machine
FAR = math.sqrt(-math.log(1e-6 / 2) / 2) * math.sqrt(2 / SAMPLE)


def distance(one: list[float], other: list[float]) -> float:
    """The Kolmogorov-Smirnov statistic of two samples."""

    def below(sample: list[float], value: float) -> float:
        return sum(each <= value for each in sample) / len(sample)

    return max(abs(below(one, value) - below(other, value)) for value in (*one, *other))


async def test_A04_what_is_forbidden_reads_and_takes_as_long_as_what_is_not_there(
    server: Counted, issuer: Issuer, opened: Opened
) -> None:
    policies = {"numbers": POLICIES["numbers"].replace("contractor: 2/", "contractor: 100000/")}
    async with (
        counted_server(issuer, name="letters") as letters,
        opened(server, letters, policies=policies, extra=WIDE) as home,
    ):
        result_of(await home.call(GOOD["name"], GOOD["arguments"], person="dee"))
        async with unharmed(home, person="dee") as told:
            for method, key, hidden, absent in PAIRS:
                for ask in (home.post, home.legacy):
                    extra = {"arguments": NOTE} if method == "tools/call" else {}
                    first, second = [
                        told.answer(await ask(method, {key: name, **extra}, person="dee"))
                        for name in (hidden, absent)
                    ]
                    assert without_receipt(first) == without_receipt(second), hidden
                    assert error_of(first)["code"] == -32602
                    # the receipt's places in the ledger may differ in digits, and nothing else
                    assert abs(len(first.content) - len(second.content)) <= 4
        names = {
            "hidden": "numbers_note_number",
            "absent": "numbers_cite_number",
            "own": GOOD["name"],
        }
        took: dict[str, list[float]] = {kind: [] for kind in names}
        for _ in range(SAMPLE):
            for kind in random.sample(list(names), len(names)):
                started = time.perf_counter()
                await home.call(names[kind], GOOD["arguments"], person="dee")
                took[kind].append(time.perf_counter() - started)
        assert distance(took["hidden"], took["absent"]) < FAR
        assert distance(took["own"], took["absent"]) > FAR  # and it can tell


# --- A05

HIDDEN = {
    "ben": ["numbers_add_numbers", "numbers_note_number", "numbers_wait_long"],
    "cho": ["numbers_add_numbers", "numbers_note_number", "letters_count_letters"],
    "dee": ["numbers_note_number", "numbers_wait_long", "letters_count_letters"],
    "olu": ["numbers_add_numbers", "numbers_note_number", "letters_count_letters"],
}


async def test_A05_a_tool_that_is_not_listed_is_not_called_by_its_name_either(home: House) -> None:
    async with unharmed(home) as told:
        for person, names in HIDDEN.items():
            for name in names:
                server, _, tool = name.partition("_")
                asks = [
                    await home.call(name, NOTE, person=person),
                    await home.call(tool, NOTE, person=person, endpoint=server),
                    await home.legacy("tools/call", {"name": name}, person=person),
                ]
                nothing = told.answer(await home.call("numbers_x", NOTE, person=person))
                for answer in map(told.answer, asks):
                    error = error_of(answer)
                    assert (error["code"], error["message"]) == (-32602, "Unknown tool")
                assert without_receipt(asks[0]) == without_receipt(nothing)
        denied = [one for one in await home.records(kind="refusal") if one["reason"] == "no_role"]
        assert {(one["person"], f"{one['server']}_{one['tool']}") for one in denied} == {
            (person, name) for person, names in HIDDEN.items() for name in names
        }


# --- A07

IN_POLICY = "tools:\n  count_letters: { roles: [analyst] }\n"


@pytest.mark.parametrize("line", ["tools:\n", IN_POLICY], ids=["no line", "a line of the policy"])
async def test_A07_a_tool_that_a_server_grew_is_neither_listed_nor_called_until_it_is_reviewed(
    issuer: Issuer, opened: Opened, line: str
) -> None:
    grown = a_server()
    policies = {"numbers": POLICIES["numbers"].replace("tools:\n", line)}
    async with (
        counted_server(issuer, grown) as server,
        opened(server, policies=policies) as home,
    ):
        result_of(await home.call(GOOD["name"], GOOD["arguments"]))
        grown._tool_manager._tools["count_letters"] = serve._tool(count_letters, lambda _: ())
        async with unharmed(home) as told:
            for name, endpoint in (("numbers_count_letters", ""), ("count_letters", "numbers")):
                answer = await home.call(name, {"text": "x"}, endpoint=endpoint)
                assert error_of(told.answer(answer))["message"] == "Unknown tool"
                assert (
                    "count_letters" not in (await home.post("tools/list", endpoint=endpoint)).text
                )
