"""The mapping file at a running Keycloak: brought there, brought there again, taken away."""

from collections.abc import Callable, Iterator

import pytest
from identity.brokers.brokered import ALIAS, SALES, Company, Visit
from identity.brokers.directory import Person

from mcp_realm.brokers import Brokers, wanted
from mcp_realm.brokers_compare import TakenError
from mcp_realm.brokers_flows import AFTER
from mcp_realm.brokers_put import pending, put

Hire = Callable[..., Person]
Visits = Callable[[], Visit]
STRANGER = {"alias": "stranger", "providerId": "oidc", "enabled": True, "config": {"clientId": "a"}}


@pytest.fixture
def stranger(company: Company) -> Iterator[str]:
    """A provider that an administrator made by hand."""
    company.admin.create_idp(STRANGER)
    yield "stranger"
    company.admin.delete_idp("stranger")


def aliases(company: Company) -> set[str]:
    return {one["alias"] for one in company.admin.get_idps()}


def test_the_same_file_twice_changes_nothing(company: Company) -> None:
    assert company.apply() == []
    assert pending(company.admin, company.wanted()) == []


def test_a_changed_line_is_told_before_it_is_made(company: Company) -> None:
    company.mapping = {"groups": {SALES: ["sales"]}}
    lines = pending(company.admin, company.wanted())
    assert f"- mapper {ALIAS}: region-europe from {SALES}" in lines
    assert f"+ mapper {ALIAS}: region-europe from nobody" in lines
    assert company.apply() == lines
    assert pending(company.admin, company.wanted()) == []


def test_a_setting_that_somebody_bent_is_told_and_mended(company: Company) -> None:
    there = company.admin.get_idp(ALIAS)
    bent = {**there, "trustEmail": True, "config": {**there["config"], "syncMode": "IMPORT"}}
    company.admin.update_idp(ALIAS, bent)
    (line,) = company.apply()
    assert "trustEmail: True → False" in line
    assert "config.syncMode: 'IMPORT' → 'FORCE'" in line
    assert company.admin.get_idp(ALIAS)["trustEmail"] is False


def test_a_new_secret_is_set_though_nobody_can_see_that_it_differs(
    company: Company, person: Hire, visit: Visits
) -> None:
    company.application.secret = "another-secret-altogether"
    assert company.apply() == []
    assert visit().tokens(person(SALES))


def test_a_file_without_brokers_takes_ours_away_and_leaves_others(
    company: Company, stranger: str
) -> None:
    nothing = wanted(Brokers(), {"groups": []}, {})
    assert put(company.admin, nothing) == [f"- broker {ALIAS}"]
    assert aliases(company) == {stranger}


def test_a_provider_of_that_name_that_is_not_ours_stops_it(company: Company, stranger: str) -> None:
    broker = company.file().brokers[ALIAS]
    file = Brokers(brokers={stranger: broker})
    with pytest.raises(TakenError, match="did not make"):
        put(company.admin, wanted(file, {"groups": company.admin.get_groups()}, {}))


def test_a_flow_of_ours_that_somebody_bent_stops_it(company: Company) -> None:
    """It decides who is let in: such a change is looked at by a person."""
    admin = company.admin
    step = admin.get_authentication_flow_executions(AFTER)[0]
    admin.update_authentication_flow_executions({**step, "requirement": "DISABLED"}, AFTER)
    try:
        with pytest.raises(TakenError, match="changed by hand"):
            company.apply()
    finally:
        admin.update_authentication_flow_executions(step, AFTER)
    assert company.apply() == []
