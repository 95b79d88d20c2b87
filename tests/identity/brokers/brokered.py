"""Keycloak with the company's own issuer behind it, and a person who signs in there."""

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

import httpx2
from browser import Browser, callback
from identity.brokers.directory import Application, Person
from identity.brokers.entra import Entra
from keycloak import KeycloakAdmin, KeycloakOpenIDConnection
from people import Issuer

from mcp_realm import brokers_put
from mcp_realm.brokers import Brokers, redirect_uri, wanted

ALIAS = "larkfield"
SECRET = "BROKER_LARKFIELD_SECRET"
PAGES = 12  # Keycloak, upstream, Keycloak again, consent
# what upstream groups are called there, and what they become here
SALES, ANALYSTS, AUDITORS = (f"0aa4b8f0-1111-4222-8333-44445555000{n}" for n in (1, 2, 3))
OTHER_ANALYSTS, UNKNOWN = (f"0aa4b8f0-1111-4222-8333-44445555000{n}" for n in (4, 5))
GROUPS = {
    SALES: ["sales", "region-europe"],
    ANALYSTS: ["analyst"],
    OTHER_ANALYSTS: ["analyst"],
    AUDITORS: ["auditor"],
}


def administrator(issuer: Issuer) -> KeycloakAdmin:
    base, _, realm = issuer.url.partition("/realms/")
    connection = KeycloakOpenIDConnection(
        server_url=base, realm_name=realm, user_realm_name="master", client_id="admin-cli",
        username="admin", password=issuer.admin_password,
    )  # fmt: skip
    return KeycloakAdmin(connection=connection)


@dataclass
class Company:
    """The upstream, its application for us, and the mapping file as it is now."""

    issuer: Issuer
    entra: Entra
    admin: KeycloakAdmin
    application: Application
    mapping: dict[str, Any] = field(default_factory=dict)

    def apply(self, **changes: Any) -> list[str]:
        """The mapping file, changed, at Keycloak; what that changed there."""
        self.mapping = {**self.mapping, **changes}
        return brokers_put.put(self.admin, self.wanted())

    def wanted(self) -> dict[str, list[dict[str, Any]]]:
        realm = {"groups": self.admin.get_groups()}
        return wanted(self.file(), realm, {SECRET: self.application.secret})

    def file(self) -> Brokers:
        broker = {
            "kind": "entra",
            "name": "Larkfield",
            "issuer": self.entra.issuer,
            "client_id": self.application.client_id,
            "secret": SECRET,
            "groups": GROUPS,
            **self.mapping,
        }
        return Brokers.model_validate({"brokers": {ALIAS: broker}})

    def register_anew(self) -> None:
        """Another app registration: another client id, so another `sub` for everyone."""
        self.entra.applications.clear()
        self.application = self.entra.register(
            Application(
                redirect_uri(self.issuer.url, ALIAS),
                after_logout=f"{redirect_uri(self.issuer.url, ALIAS)}/logout_response",
            )
        )
        self.apply()

    def account(self, person: Person) -> dict[str, Any] | None:
        """Their account at Keycloak."""
        found = self.admin.get_users({"username": person.upn, "exact": True})
        return found[0] if found else None

    def account_groups(self, person: Person) -> set[str]:
        account = self.account(person)
        assert account
        return {group["name"] for group in self.admin.get_user_groups(account["id"])}


@dataclass
class Visit:
    """One browser. Whoever has signed in once is known to Keycloak and upstream by its cookies."""

    browser: Browser

    def arrive(self, person: Person, **changes: str | None) -> httpx2.Response:
        """The page at which it ends: the way back to the host, or a refusal."""
        page = self.browser.open(**changes)
        for _ in range(PAGES):
            if 300 <= page.status_code < 400:
                target = page.headers["location"]
                if target.startswith(self.browser.redirect_uri):
                    return page
                page = self.browser.get(urljoin(str(page.url), target))
            elif page.status_code >= 400:
                return page
            elif 'name="passwd"' in page.text:
                if "AADSTS" in page.text:
                    return page
                page = self.browser.submit(page, login=person.upn, passwd=person.password)
            elif link := re.search(rf'id="social-{ALIAS}"[^>]*href="([^"]+)"', page.text):
                page = self.browser.get(urljoin(str(page.url), link[1].replace("&amp;", "&")))
            elif 'name="accept"' in page.text:
                page = self.browser.submit(page, accept="Yes")
            else:
                return page
        raise AssertionError(f"no end to the pages: {page.url} {page.text[:400]}")

    def follow(self, page: httpx2.Response) -> httpx2.Response:
        """Where redirects end."""
        for _ in range(PAGES):
            if not 300 <= page.status_code < 400:
                break
            page = self.browser.get(urljoin(str(page.url), page.headers["location"]))
        return page

    def tokens(self, person: Person, **changes: str | None) -> dict[str, Any]:
        page = self.arrive(person, **changes)
        assert 300 <= page.status_code < 400, f"{page.url}: {shown(page)}"
        answer = self.browser.redeem(callback(page)["code"])
        assert answer.status_code == 200, answer.text
        said: dict[str, Any] = answer.json()
        return said


def shown(page: httpx2.Response) -> str:
    """The words of a page."""
    text = re.sub(r"(?s)<(script|style|head)\b.*?</\1>", " ", page.text)
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())
