"""Secrets in what servers answer: found wherever they stand, and nothing else with them."""

import base64
import itertools
import json
import random
import time

import pytest
from attacks.leaky import Maker, harmless, in_text, kinds
from hypothesis import given
from hypothesis import strategies as st

from mcp_gateway.answers.documents import cleaned, joined, suspicious
from mcp_gateway.answers.leaks import find, replaced

KINDS = sorted(kinds(Maker(0)))
EACH = 40  # of a kind, in every test


def secrets(kind: str, seed: int) -> list[str]:
    maker = Maker(seed)
    return [kinds(maker)[kind]() for _ in range(EACH)]


def without(document: object) -> str:
    clean, _ = cleaned(json.dumps(document).encode())
    json.loads(clean)
    return clean.decode()


@pytest.mark.parametrize("kind", KINDS)
def test_a_secret_is_found_in_every_surrounding_and_nothing_around_it_goes(kind: str) -> None:
    maker = Maker(1)
    for secret in secrets(kind, 1):
        text = in_text(maker, secret)
        assert suspicious(json.dumps(text).encode())
        (leak,) = find(text.encode())
        assert leak.secrets[0][1].decode().strip() == secret.strip()
        left = replaced(text.encode(), [leak]).decode()
        assert left == text.replace(secret.strip(), leak.instead.decode())


@pytest.mark.parametrize("kind", KINDS)
def test_a_secret_is_found_in_base64_at_every_offset_and_the_rest_stays_base64(kind: str) -> None:
    for number, secret in enumerate(secrets(kind, 2)):
        content = f"{'x' * (number % 7)} here: {secret} and so on"
        coded = base64.b64encode(content.encode()).decode()
        clean = json.loads(without({"blob": coded}))["blob"]
        plain = base64.b64decode(clean).decode()
        assert secret.strip() not in plain
        assert plain.endswith(" and so on")


@pytest.mark.parametrize("kind", KINDS)
def test_a_secret_is_found_as_a_key_an_escape_and_json_in_json(kind: str) -> None:
    for secret in secrets(kind, 3):
        plain = json.dumps(secret)[1:-1]
        assert plain not in without({secret: [1]})
        assert plain not in without({"a": [{"b": json.dumps({"c": f"d\n{secret}"})}]})
        escaped = "".join(f"\\u{ord(one):04x}" for one in secret)
        clean, leaks = cleaned(f'{{"a":"{escaped}"}}'.encode())
        assert leaks
        assert json.loads(clean)["a"].strip().startswith("[redacted: ")


@pytest.mark.parametrize("kind", KINDS)
def test_a_secret_is_found_when_it_begins_in_one_text_and_ends_in_another(kind: str) -> None:
    chance = random.Random(4)
    for secret in secrets(kind, 4):
        at, to = sorted(chance.sample(range(1, len(secret)), 2))
        texts, leaks = joined(["before " + secret[:at], secret[at:to], secret[to:] + " after"])
        assert len(leaks) == 1
        assert texts[0].startswith("before [redacted: ")
        assert texts[2].endswith(" after")
        assert secret[to:].strip() not in texts[2] or len(secret) - to < 4


def test_a_card_as_a_number_goes_and_the_document_stays_one() -> None:
    clean, leaks = cleaned(b'{"n": 4111111111111111, "m": 4111111111111112, "x": 1.10}')
    assert clean == b'{"n": "[redacted: card]", "m": 4111111111111112, "x": 1.10}'
    assert [leak.secrets for leak in leaks] == [(("card", b"4111111111111111"),)]


def test_a_value_beside_a_name_that_says_it_is_one_goes() -> None:
    value = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    assert value not in without({"SecretAccessKey": value})
    assert value not in without({"note": f"aws_secret_access_key = {value}"})
    assert value in without({"Digest": value})
    assert "abcdefghijklmnop1" not in without({"Authorization": "Bearer abcdefghijklmnop1"})
    assert "pa55word" not in without({"dsn": "postgresql://crm:pa55word@db.internal/crm"})


def test_nothing_that_only_looks_like_a_secret_is_taken_for_one() -> None:
    texts = list(itertools.islice(harmless(Maker(5)), 6000))
    wrong = [(text, find(text.encode())) for text in texts if find(text.encode())]
    assert not wrong
    document = json.dumps(texts).encode()
    assert cleaned(document) == (document, [])
    assert joined(texts) == (texts, [])


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_a_document_without_secrets_stays_byte_for_byte(document: object) -> None:
    for written in (json.dumps(document).encode(), json.dumps(document, indent=1).encode()):
        assert cleaned(written) == (written, [])


@given(st.binary(max_size=200))
def test_bytes_that_are_no_document_end_nothing(noise: bytes) -> None:
    cleaned(b'{"a":"AKIAIOSFODNN7EXAMPLE ' + noise)


def test_no_text_takes_more_than_linear_time() -> None:
    texts = [
        b"://" * 100_000, b"://a:b" * 50_000, b"eyJ" * 100_000, b"-----BEGIN PRIVATE KEY-----" * 10_000,
        b"1" * 300_000, b"1234 " * 60_000, b"AKIA" * 80_000, b"secret_access_key=" * 15_000,
        b"authorization: bearer " * 12_000, b"QUtJQ" * 60_000, b'\\"' * 150_000,
    ]  # fmt: skip
    for text in texts:
        began = time.process_time()
        find(text)
        cleaned(b'"' + text + b'"')
        assert time.process_time() - began < 2, text[:20]
