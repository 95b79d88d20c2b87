"""What `prove` makes of the containers' answers; the answers themselves come from an engine, elsewhere."""

import json
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import pytest
from infra.compose.made import ROOT, compose, kits

from mcp_compose import prove
from mcp_compose.engine import Engine

STATUS = "Name:\tinit\nUid:\t{user}\t{user}\nCapBnd:\t{caps}\nNoNewPrivs:\t{nnp}\n"
NONE, NET_BIND = "0000000000000000", "0000000000000400"
RUNNING = ["crm", "crm-api", "docs", "gateway-1", "proxy", "warehouse"]


class Answers(Engine):
    """An engine whose containers answer as they should, but for what a test says."""

    def __init__(self, **spoilt: object) -> None:
        super().__init__(ROOT, ROOT)
        object.__setattr__(self, "spoilt", spoilt)

    def said(self, *words: str) -> str:
        spoilt: dict[str, object] = self.spoilt  # type: ignore[attr-defined]
        match words:
            case ("ps", *_):
                return "\n".join(map(str, spoilt.get("running", RUNNING)))  # type: ignore[call-overload]
            case ("config", *_):
                return "\n".join(RUNNING)
            case ("exec", "-T", name, "cat", "/proc/1/status"):
                told = {"user": 10001, "caps": NET_BIND if name == "proxy" else NONE, "nnp": 1}
                return STATUS.format(**{**told, **(spoilt if name == "crm" else {})})
            case ("exec", "-T", name, "python", "-c", prove.PROBE, *places):
                opened = (
                    ("postgres:", "keycloak:") if spoilt.get("databases", True) else ("keycloak:",)
                )
                return json.dumps(
                    {p: p.startswith(opened) or (name, p) == spoilt.get("way") for p in places}
                )
            case ("exec", "-T", name, "python", "-c", prove.LOGIN, _, *names):
                return json.dumps({one: one in {name, spoilt.get("login")} for one in names})
            case ("exec", "-T", _, "cat", "/proc/1/environ"):
                return f"A=1\0B={spoilt.get('environ', '')}"
            case ("exec", "-T", _, "python", "-m", "in_image.start", *_):
                return str(
                    spoilt.get(
                        "ledger", "trusted keys: 0db6\nOK  everything stored is what was signed\n"
                    )
                )
        raise AssertionError(words)


def lines(**spoilt: object) -> Iterator[tuple[bool, str]]:
    """Up to where replicas are stopped: that needs real ones."""
    found = prove.proofs(kits(), compose(), Answers(**spoilt), Path("none"))
    yield from takewhile(lambda one: not one[1].startswith("ledger"), found)


def bad(**spoilt: object) -> list[str]:
    return [line for good, line in lines(**spoilt) if not good]


def test_containers_as_they_should_be_are_good() -> None:
    assert bad() == []
    assert len(list(lines())) == len(RUNNING) + 4 + 3 + 1


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        ({"user": 0}, "crm: user 0, capabilities 0x0, no new privileges"),
        ({"caps": NET_BIND}, "crm: user 10001, capabilities 0x400, no new privileges"),
        ({"nnp": 0}, "crm: user 10001, capabilities 0x0, no new privileges"),
        ({"way": ("docs", "crm.internal:8000")}, "docs: reaches postgres:5432, keycloak:8081, and not 8 others; open: crm.internal:8000"),
        ({"way": ("crm-api", "crm:8000")}, "crm-api: no server answers it; open: crm:8000"),
        ({"login": "ledger"}, "docs: its login opens docs, ledger of 6 databases"),
    ],
)  # fmt: skip
def test_each_answer_that_should_not_be_is_bad(spoilt: dict[str, object], said: str) -> None:
    assert said in bad(**spoilt)


def test_a_probe_that_reaches_nothing_at_all_proves_nothing() -> None:
    assert len([line for line in bad(databases=False) if "silent: postgres:5432" in line]) == 3


def test_what_does_not_run_is_named_and_nothing_else_is_claimed() -> None:
    assert list(lines(running=["crm"])) == [
        (False, "not running: crm-api, docs, gateway-1, proxy, warehouse")
    ]


def test_a_password_in_the_environment_is_bad_and_is_not_repeated() -> None:
    password = kits().secrets.get("postgres-audit_writer")
    (line,) = bad(environ=f"postgresql://audit_writer:{password}@postgres/ledger")
    assert "is in its environment" in line
    assert password not in line


def test_a_ledger_that_does_not_verify_is_bad() -> None:
    good, line = prove._ledger(Answers(ledger="NOT SOUND  3 findings\n"))
    assert not good
    assert "3 findings" in line
