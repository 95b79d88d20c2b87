"""One issuer for the whole contract: the development issuer, or Keycloak itself.

`IDENTITY=keycloak` runs the same tests against the real one, fetched and built at first use.
`IDENTITY_RESOURCE_INDICATORS=off` runs either without RFC 8707. `make identity` runs all four.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import Browser
from identity import described_host, real_keycloak
from people import Issuer, running_issuer

from mcp_realm.build import FEATURES

# a person of the suite's own, so that a lockout does not close a colleague's account
FORGETFUL = {
    "id": "5c1a3e52-7d0b-4b5e-9d3a-0a6f1f7e0f99",
    "username": "fay",
    "enabled": True,
    "email": "fay@larkfield.example",
    "emailVerified": True,
    "firstName": "Fay",
    "lastName": "Forgetful",
    "groups": ["/support"],
    "credentials": [{"type": "password", "value": "${DEMO_PASSWORD}", "temporary": False}],
}
FOLDER = Path(__file__).parent
RESOURCE_INDICATORS = os.environ.get("IDENTITY_RESOURCE_INDICATORS", "on") == "on"
NEWCOMER = {
    **FORGETFUL,
    "id": "5c1a3e52-7d0b-4b5e-9d3a-0a6f1f7e0f98",
    "username": "neo",
    "email": "neo@larkfield.example",
    "firstName": "Neo",
    "lastName": "Newcomer",
    "groups": ["/region-asia"],
}
CHANGES: dict[str, Any] = {"users": [FORGETFUL, NEWCOMER]}


CONTRACT = "contract"
KEYCLOAK_SECONDS = 600  # its first start on a busy machine is part of the first test


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"{CONTRACT}: runs against either issuer, by `issuer`")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What asks for the issuer belongs to the contract; Keycloak is given the time it takes."""
    for item in items:
        if item.path.is_relative_to(FOLDER) and "issuer" in getattr(item, "fixturenames", ()):
            item.add_marker(CONTRACT)
            if real_keycloak.chosen():
                item.add_marker(pytest.mark.timeout(KEYCLOAK_SECONDS))


@pytest.fixture(scope="session")
def described(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the certificate is of a host that describes itself; Keycloak is told of it."""
    return tmp_path_factory.mktemp("described")


@pytest.fixture(scope="session")
def issuer(tmp_path_factory: pytest.TempPathFactory, described: Path) -> Iterator[Issuer]:
    folder = tmp_path_factory.mktemp("issuer")
    if real_keycloak.chosen():
        features = ["cimd", *FEATURES] if RESOURCE_INDICATORS else []
        with real_keycloak.running_keycloak(
            folder,
            features=features,
            changes=CHANGES,
            variables=described_host.settings(described),
        ) as it:
            yield it
    else:
        environment = {"IDP_RESOURCE_INDICATORS": str(RESOURCE_INDICATORS)}
        with running_issuer(folder, changes=CHANGES, environment=environment) as it:
            yield it


@pytest.fixture
def browser(issuer: Issuer) -> Browser:
    """A browser in which nobody has signed in yet."""
    return Browser(issuer)
