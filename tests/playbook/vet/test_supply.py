from typing import Any

import pytest
from playbook.vet.recorded import days, good, listed, only, registry

from mcp_playbook.vet import identity
from mcp_playbook.vet.licence import is_open, is_stated, name_of
from mcp_playbook.vet.record import Record
from mcp_playbook.vet.rubric import Part
from mcp_playbook.vet.signals.supply import signal


def part(record: Record, name: str) -> Part:
    (found,) = (one for one in signal(record).parts if one.name.startswith(name))
    return found


def test_everything_good_makes_all_points() -> None:
    assert (signal(good()).points, signal(good()).known) == (10, 10)


@pytest.mark.parametrize(
    ("stated", "points"),
    [
        ("MIT", 2), ("Apache-2.0", 2), ("MIT OR Apache-2.0", 2), ("(MIT AND BSD-3-Clause)", 2), ("MIT License", 2),
        ("SEE LICENSE IN LICENSE", 1), ("BUSL-1.1", 1), ("MIT AND BUSL-1.1", 1), ("", 0), ("UNLICENSED", 0),
    ],
)  # fmt: skip
def test_the_licence_as_stated_makes_points(stated: str, points: float) -> None:
    assert part(good(registry=registry(licence=stated)), "licence").points == points


def test_what_an_index_does_not_pass_on_is_unknown_and_not_missing() -> None:
    record = only(registry=registry(licence=None, repository=None))
    assert part(record, "licence").points is None
    assert part(record, "repository").points is None


def test_a_licence_file_is_told_by_how_it_begins() -> None:
    assert name_of("Apache License\n  Version 2.0, January 2004") == "Apache-2.0"
    assert name_of("MIT License\n\nCopyright (c) 2025 ana") == "MIT"
    assert not name_of("All rights reserved.")
    assert is_open(name_of("GNU GENERAL PUBLIC LICENSE\nVersion 3, 29 June 2007"))
    assert not is_stated(name_of(""))


def test_a_security_policy_is_looked_for_in_a_clone_alone() -> None:
    assert part(good(clone=days(1, security_policy=False)), "SECURITY.md").points == 0
    assert part(good(), "SECURITY.md").points == 1
    assert part(good("clone"), "SECURITY.md").points is None


@pytest.mark.parametrize(("attested", "points"), [(True, 1), (False, 0), (None, None)])
def test_an_index_that_passes_no_attestations_on_leaves_them_unknown(
    attested: Any, points: Any
) -> None:
    assert part(good(registry=registry(attested=attested)), "build").points == points


def test_scorecard_s_maintained_check_is_not_counted_twice() -> None:
    rows = [
        {"name": "Maintained", "score": 10},
        {"name": "Fuzzing", "score": 0},
        {"name": "SAST", "score": 5},
    ]
    assert part(good(scorecard={"checks": rows}), "OpenSSF").points == pytest.approx(2 * 2.5 / 10)
    assert part(good(scorecard={"checks": rows[:1]}), "OpenSSF").points is None


def test_what_scorecard_could_not_tell_is_not_zero() -> None:
    rows = [{"name": "Fuzzing", "score": -1}, {"name": "SAST", "score": 8}]
    assert part(good(scorecard={"checks": rows}), "OpenSSF").points == pytest.approx(1.6)


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/Someone/Ledger-Server", "git+https://github.com/someone/ledger-server.git",
        "git@github.com:someone/ledger-server.git", "ssh://git@github.com/someone/ledger-server",
        "git://github.com/someone/ledger-server.git", "github:someone/ledger-server",
        "https://www.github.com/someone/ledger-server/tree/main/src/a#readme",
    ],
)  # fmt: skip
def test_a_repository_is_the_same_however_it_is_spelt(address: str) -> None:
    assert identity.repository_of(address) == "github.com/someone/ledger-server"


@pytest.mark.parametrize(
    "address", ["", "/srv/clone", "https://github.com/", "https://example.com/x", "file:///a/b"]
)
def test_what_is_no_repository_s_address_is_none(address: str) -> None:
    assert identity.repository_of(address) == ""


def test_names_that_only_begin_alike_are_others() -> None:
    assert identity.repository_of("https://github.com/someone/ledger") != identity.repository_of(
        "https://github.com/someone/ledger-server"
    )
    assert (
        identity.repository_of("https://github.com.evil.example/a/b")
        == "github.com.evil.example/a/b"
    )


def test_a_stated_repository_alone_is_no_confirmation() -> None:
    alone = registry(publisher=None)
    assert part(only(registry=alone), "repository").points is None
    assert part(only(registry=alone, clone=days(1)), "repository").points == 2
    assert part(only(registry=alone, mcp_registry=listed()), "repository").points == 2
    assert part(only(registry=registry()), "repository").points == 2
    assert part(only(registry=registry(repository="")), "repository").points == 0
