# mypy: allow-subclassing-any
# (Authlib has no types)
"""Authlib's framework-free authorization server, told about this realm."""

from collections.abc import Iterable, Mapping
from typing import Any

from authlib.common.urls import add_params_to_uri
from authlib.oauth2 import AuthorizationServer, OAuth2Request
from authlib.oauth2.rfc6749 import OAuth2Payload
from starlette.responses import JSONResponse, RedirectResponse, Response

from sandbox_idp.assertion import Clients
from sandbox_idp.people import People
from sandbox_idp.realm import Client
from sandbox_idp.redirects import matches
from sandbox_idp.tokens import Issuer

REPEATABLE = {"audience"}  # RFC 8693; everything else comes once


class Fields(OAuth2Payload):
    """A request's parameters."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._lists: dict[str, list[str]] = {}
        for name, value in pairs:
            self._lists.setdefault(name, []).append(value)

    @property
    def data(self) -> dict[str, str]:
        return {name: values[0] for name, values in self._lists.items()}

    @property
    def datalist(self) -> dict[str, list[str]]:
        return self._lists

    @property
    def repeated(self) -> str | None:
        many = (n for n, values in self._lists.items() if len(values) > 1 and n not in REPEATABLE)
        return next(many, None)


class Asked(OAuth2Request):
    """A request as Authlib reads it."""

    def __init__(self, method: str, url: str, pairs: Iterable[tuple[str, str]]) -> None:
        super().__init__(method, url)
        self.payload: Fields = Fields(pairs)

    @property
    def form(self) -> dict[str, str]:
        return self.payload.data

    @property
    def args(self) -> dict[str, str]:
        return self.payload.data


class Registered:
    """A client of the realm with the questions Authlib asks."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def get_default_redirect_uri(self) -> None:
        return None  # OAuth 2.1: the request names it

    def get_allowed_scope(self, scope: str | None) -> str:
        return scope or ""  # which scopes is decided with the person at hand

    def check_redirect_uri(self, uri: str) -> bool:
        return matches(uri, self.client.redirect_uris)

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code" and self.client.standard_flow

    def check_grant_type(self, grant_type: str) -> bool:
        return {
            "authorization_code": self.client.standard_flow,
            "refresh_token": self.client.standard_flow or self.client.password_grant,
            "password": self.client.password_grant,
            "client_credentials": self.client.service_account,
        }.get(grant_type, False)


class Flows(AuthorizationServer):
    """The OAuth flows of the realm; its answers are Starlette's."""

    def __init__(
        self, issuer: Issuer, people: People, clients: Clients, *, resource_indicators: bool
    ) -> None:
        super().__init__()
        self.issuer = issuer
        self.people = people
        self.clients = clients
        self.resource_indicators = resource_indicators

    def resource(self, form: Mapping[str, str]) -> str | None:
        return form.get("resource") if self.resource_indicators else None

    def query_client(self, client_id: str) -> Registered | None:
        client = self.issuer.realm.clients.get(client_id)
        return Registered(client) if client else None

    def authenticate_client(
        self, request: Asked, methods: list[str], endpoint: str = "token"
    ) -> Registered:
        del methods, endpoint  # one way for every grant and endpoint
        client = self.clients.authenticate(request.form)
        request.auth_method = "none" if client.public else "private_key_jwt"
        return Registered(client)

    def save_token(self, token: Any, request: Asked) -> None:
        """Tokens are self-contained; sessions are kept where tokens are made."""

    def send_signal(self, name: str, *arguments: Any, **named: Any) -> None:
        """Nobody listens."""

    def create_oauth2_request(self, request: Asked) -> Asked:
        return request

    def handle_response(
        self, status: int, body: Any, headers: Iterable[tuple[str, str]]
    ) -> Response:
        found = dict(headers)
        if "Location" in found:
            # RFC 9207: on success and on error alike
            target = add_params_to_uri(found["Location"], [("iss", self.issuer.url)])
            return RedirectResponse(target, 303, {"Cache-Control": "no-store"})
        return JSONResponse(body, status, found)
