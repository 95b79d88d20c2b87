"""Keycloak itself: the development issuer brokers nothing. Without one these tests are skipped."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from browser import Browser
from identity.brokers.brokered import ALIAS, Company, Visit, administrator
from identity.brokers.directory import Application, Person
from identity.brokers.entra import Entra, running_entra
from identity.real_keycloak import required, running_keycloak
from people import Issuer

from mcp_realm.brokers import redirect_uri

NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    required()
    folder = tmp_path_factory.mktemp("keycloak")
    with running_keycloak(folder, servers=("numbers", "letters")) as it:
        yield it


@pytest.fixture(scope="session")
def upstream() -> Iterator[Entra]:
    with running_entra() as entra:
        yield entra


@pytest.fixture(scope="session")
def standing(issuer: Issuer, upstream: Entra) -> Company:
    at = redirect_uri(issuer.url, ALIAS)
    application = Application(at, after_logout=f"{at}/logout_response")
    upstream.register(application)
    return Company(issuer, upstream, administrator(issuer), application)


@pytest.fixture
def company(standing: Company) -> Company:
    """As the mapping file has it, nothing left of earlier tests but people."""
    standing.mapping = {}
    standing.entra.without = frozenset()
    standing.entra.besides = {}
    standing.application.assigned = None
    standing.apply()
    return standing


@pytest.fixture
def person(company: Company) -> Callable[..., Person]:
    """Somebody new at the company."""

    def hire(*groups: str, **more: Any) -> Person:
        name = f"pat{next(NUMBERS)}"
        upn = f"{name}@larkfield.example"
        said = {"upn": upn, "given": "Pat", "family": name, "email": upn, **more}
        return company.entra.hire(Person(groups=list(groups), **said))

    return hire


@pytest.fixture
def visit(issuer: Issuer) -> Callable[[], Visit]:
    """A browser in which nobody has signed in yet."""
    return lambda: Visit(Browser(issuer))
