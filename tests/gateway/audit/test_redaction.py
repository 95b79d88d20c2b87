"""Canaries go in; none may come out, and ordinary work must stay readable."""

import base64
import json
import random
import string
import time
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_gateway.audit import redaction
from mcp_gateway.audit.canonical import canonical
from mcp_gateway.audit.redaction import (
    PathError,
    commitment,
    commitment_with,
    parse_path,
    place_key,
    redact,
)

SALT = b"s" * 16
JWT = "eyJhbGciOiJSUzI1NiJ9" + ".eyJzdWIiOiJjYW5hcnkifQ" + ".c2lnbmF0dXJlLWNhbmFyeQ"
CARD = "4111 1111 1111 1111"
PEM = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIC\n-----END PRIVATE KEY-----"
# put together here so that no scanner takes this file for a leak
KEYS = {
    "cloud": "AKIA" + "IOSFODNN7EXAMPLE",
    "code": "ghp_" + "a1B2c3D4" * 5,
    "payments": "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc",
    "model": "sk-" + "proj-" + "Ab3dEf6h" * 3,
    "chat": "xoxb-" + "123456789012-abcdefGHIJKL",
    "crm": "pat-na1-" + "0a1b2c3d-4e5f",
}
TEXTS = {
    "jwt": JWT,
    "jwt in a sentence": f"use {JWT} please",
    "bearer": "Authorization: Bearer canary-0123456789",
    "basic": "basic dXNlcjpjYW5hcnk=",
    "private key": PEM,
    "private key on one line": PEM.replace("\n", " "),
    "card": CARD,
    "card with dashes": CARD.replace(" ", "-"),
    "card alone": CARD.replace(" ", ""),
    "card before its code": CARD + " 123",
    "card digit by digit": " ".join(CARD.replace(" ", "")),
    "card in a sentence": f"charge {CARD} twice",
    "assignment": "password=canary-hunter2",
    "assignment in JSON": json.dumps({"pAssword": "canary-hunter2"}),
    "assignment in JSON in JSON": json.dumps({"a": json.dumps({"secret": "canary-2"})}),
    "assignment in JSON, four times": json.dumps(
        json.dumps(json.dumps(json.dumps({"token": "canary-2"})))
    ),
    "assignment in an element": "<password>canary-hunter2</password>",
    "assignment by an arrow": "secret -> canary-2",
    "option of a command": "deploy --token canary-2",
    "a letter nobody sees": "pass\u200bword: canary-hunter2",
    "wide letters": "\uff50\uff41\uff53\uff53\uff57\uff4f\uff52\uff44\uff1d canary-2",
    "card with blanks that do not break": CARD.replace(" ", "\xa0"),
    "card in wide digits": "".join(chr(ord(one) + 0xFEE0) for one in CARD.replace(" ", "")),
    "assignment in a URL in a URL": quote(quote("password=canary-hunter2", safe=""), safe=""),
    "assignment in base64": base64.b64encode(b"password=canary-hunter2").decode(),
    "assignment in a URL": quote("password=canary-hunter2", safe=""),
    "password in a URL": "postgresql://app:canary-hunter2@db.example/x",
    "random": "kJ8fZ2pQ7xW1vN5tR9yB3mC6hL0dG4sA",
    **KEYS,
}


def redacted(value: Any, *paths: str) -> Any:
    return redact(value, paths, salt=SALT).arguments


@pytest.mark.parametrize("secret", TEXTS.values(), ids=TEXTS)
def test_a_secret_is_left_out_wherever_it_stands(secret: str) -> None:
    for arguments in (
        {"note": secret},
        {"a": [{"b": ["fine", secret]}]},
        [secret],
        secret,
        {secret: 1},
        {"note": f"before {secret} after"},
    ):
        kept = canonical(redacted(arguments)).decode()
        assert secret not in kept
        assert "canary" not in kept
        assert "4111" not in kept
        assert "redacted" in kept


@pytest.mark.parametrize(
    "name",
    ["password", "pAssword", "user_password", "API-Key", "apiKey", "x-api-key", "Authorization",
     "client_secret", "accessToken", "refresh_token", "private key", "set-cookie", "PIN", "cvv",
     "ｐａｓｓｗｏｒｄ", "aws.secret.access.key", "credentials", "pass", "pin_code", "SSH-Key", "privKey"],
)  # fmt: skip
@pytest.mark.parametrize("value", ["canary", 1234, 0, 1, ["canary"], {"deep": "canary"}])
def test_a_field_is_left_out_by_its_name(name: str, value: Any) -> None:
    kept = redacted({name: value})
    assert set(kept[name]) == {"redacted", "c"}
    assert kept[name]["redacted"] == "name"


@pytest.mark.parametrize(
    "arguments",
    [
        {"metric": "revenue", "group_by": ["region", "month"], "limit": 50, "max_tokens": 800},
        {"sql": "SELECT c_name, sum(o_totalprice) FROM orders WHERE o_orderdate >= '2026-01-01'"},
        {"id": "0f2b9d0e-6f0e-4a8e-9d54-1d7a3a0a4b6f", "hash": "9f" * 32, "trace": "4bf92f3577b3" },
        {"email": "ana@larkfield.example", "phone": "+49 30 1234567", "order": 4111111111111112},
        {"text": "The basic understanding of tokens: secrets of good writing", "keyboard": "qwerty"},
        {"path": "/servers/warehouse/tools/get_metric/definition/2026-07-28", "idempotency_key": "k-1"},
        {"password": None, "token": "", "secret": False},
        {"url": "https://docs.larkfield.example:8443/returns?x=1#top", "n": 10**30, "f": 1.5},
        {"name": "Customer#000000042 Supplier#000000017 1996-01-02 1996-03-04 173665.47"},
    ],
)  # fmt: skip
def test_ordinary_arguments_stay_readable(arguments: Any) -> None:
    assert redacted(arguments) == arguments


def test_policy_paths_leave_out_what_they_name_and_nothing_else() -> None:
    arguments = {"a": {"b": 1, "c": 2}, "rows": [{"b": 1, "c": 2}, {"b": 3}], "d e": 5, "f": 6}
    kept = redacted(arguments, "$.a.b", "$.rows[*].b", "$['d e']", "$.missing.x", "$.f.too.deep")
    marks = [
        kept["a"].pop("b"),
        kept["rows"][0].pop("b"),
        kept["rows"][1].pop("b"),
        kept.pop("d e"),
    ]
    assert all(mark["redacted"] == "policy" for mark in marks)
    assert kept == {"a": {"c": 2}, "rows": [{"c": 2}, {}], "f": 6}


def test_the_whole_and_every_field_can_be_named() -> None:
    assert redacted({"a": 1}, "$")["redacted"] == "policy"
    assert redacted({"a": 1, "b": [2]}, "$.*")["b"]["redacted"] == "policy"


@pytest.mark.parametrize("path", ["a.b", "$a", "$.", "$..a", "$.a[0]", "$.a b", "$['a", "$.a[*"])
def test_a_path_that_cannot_be_read_is_refused(path: str) -> None:
    with pytest.raises(PathError):
        parse_path(path)


def test_the_arguments_given_are_not_changed() -> None:
    arguments = {"password": "x", "rows": [{"token": "y"}]}
    before = json.dumps(arguments)
    redacted(arguments, "$.rows")
    assert json.dumps(arguments) == before


def test_a_commitment_opens_with_its_key_and_no_other() -> None:
    arguments = {"a": {"password": "x"}, "b": {"password": "x"}}
    result = redact(arguments, salt=SALT)
    first, second = (result.arguments[k]["password"]["c"] for k in "ab")
    assert first == commitment(SALT, "$.a.password", "x")
    assert first == commitment_with(place_key(SALT, "$.a.password"), "x")
    assert first != second, "equal values must not show as equal"
    assert first != redact(arguments, salt=b"t" * 16).arguments["a"]["password"]["c"]
    assert result.commitment == commitment(SALT, "$", arguments)
    assert result.left_out == 2


def test_a_short_salt_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        redact({}, salt=b"short")


def test_nesting_without_end_is_left_out() -> None:
    deep: Any = "canary"
    for _ in range(5000):
        deep = [deep]
    circle: dict[str, Any] = {}
    circle["again"] = circle
    for value in (deep, circle):
        assert b"depth" in canonical(redacted(value))


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(json_values, st.sampled_from(sorted(TEXTS)), st.text(string.ascii_letters, max_size=8))
def test_no_neighbourhood_lets_a_secret_through(around: Any, kind: str, name: str) -> None:
    secret = TEXTS[kind]
    kept = canonical(redacted({"a": around, name: [around, secret]}))
    assert canonical(secret)[1:-1] not in kept


HOSTILE = {
    "groups of digits": "1234 " * 60_000,
    "letters that are drawn as many": "\ufdfa" * 21845,
    "percent signs": "%25" * 21845,
    "backslashes": "token" + "\\" * 60000,
    "tokens and backslashes": "token\\" * 10922,
    "one letter": "a" * 65536,
    "jwt starts": "eyJ-" * 16384,
    "half a jwt": "eyJaaaaaaaa." * 5461,
    "schemes": "a://" * 16384,
    "scheme letters": "a" * 60000 + "://",
    "passwords": "password" * 8192,
    "password and blanks": "password" + " " * 60000 + "x",
    "bearers": "bearer " * 9362,
    "digits": "4" * 65536,
    "digit pairs": "41 " * 21845,
    "digit groups": "4111-" * 13107,
    "percent": "%41" * 21845,
    "words": ("Ab1" * 8 + " ") * 2621,
    "base64": base64.b64encode(b"x" * 40000).decode(),
    "blanks": " " * 65536,
}


LITTLE = 2.0  # seconds of CPU; a pattern that backtracks takes minutes over these


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_costs_little(text: str) -> None:
    assert seconds({"text": text}) < LITTLE


def test_what_no_record_can_hold_is_not_looked_through() -> None:
    large = {"text": "1234 aB3d eyJ " * 70_000}
    assert redacted(large) == {"left_out_bytes": len(canonical(large))}
    assert redact(large, salt=SALT).commitment == commitment(SALT, "$", large)
    assert seconds(large) < LITTLE / 20


def test_hostile_shapes_cost_little() -> None:
    assert seconds([[]] * 20000) < LITTLE
    assert seconds({f"k{i}": i for i in range(6000)}) < LITTLE
    assert seconds({"a": [{"b": 1}] * 6000}, *["$.a[*].b"] * 20) < LITTLE


def test_64_kib_of_random_text_costs_little() -> None:
    chosen = random.Random(1)
    text = "".join(chosen.choice(string.printable) for _ in range(65536))
    assert seconds({"text": text}) < LITTLE


def seconds(arguments: Any, *paths: str) -> float:
    """The better of two: the machine is shared."""
    times = []
    for _ in range(2):
        start = time.thread_time()
        redact(arguments, paths, salt=SALT)
        times.append(time.thread_time() - start)
    return min(times)


SPELT = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [*KEYS.values(), JWT, CARD, PEM, "Bearer abc123.def456", "x: 1\n" + CARD, "\ud800" + CARD,
         quote(JWT), base64.b64encode(f"password={CARD}".encode()).decode(), "note " + "y" * 40]
    ),
)  # fmt: skip
NAMES = st.one_of(st.text(max_size=12), st.sampled_from(["password", "API-Key", "a.b", "token"]))
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), SPELT, st.binary(max_size=4)),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(NAMES, below, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_the_look_at_the_whole_finds_what_the_walk_finds(arguments: Any) -> None:
    """A quick look only ever says that there is nothing: whatever it spares must be spotless."""
    quick = redact(arguments, salt=SALT)
    walk = redaction._Walk(SALT)
    slow = walk.value(arguments, [], 0)
    assert repr(quick.arguments) == repr(slow)
    assert quick.left_out == walk.left_out
