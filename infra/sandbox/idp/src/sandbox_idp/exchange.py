# mypy: allow-subclassing-any
# (Authlib has no types)
"""Token exchange (RFC 8693) by the rules of Keycloak's standard token exchange, version 2."""

from typing import Any

from authlib.oauth2.rfc6749 import grants
from authlib.oauth2.rfc6749.grants import TokenEndpointMixin

from sandbox_idp import claims
from sandbox_idp.claims import Granted, ScopeError
from sandbox_idp.faults import fault
from sandbox_idp.realm import Client

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105  a type's name
# refused even when empty: a client that sends them was written for the older exchange
LEGACY = ("requested_subject", "requested_issuer", "subject_issuer")


class ExchangeGrant(grants.BaseGrant, TokenEndpointMixin):
    GRANT_TYPE = "urn:ietf:params:oauth:grant-type:token-exchange"

    def validate_token_request(self) -> None:
        self.request.client = self.authenticate_token_endpoint_client()
        client: Client = self.request.client.client
        if client.public or not client.exchanges:
            raise fault(
                "invalid_request", "Standard token exchange is not enabled for the requested client"
            )
        form = self.request.form
        for name in LEGACY:
            if name in form:
                raise fault(
                    "invalid_request",
                    f"Parameter '{name}' is not supported for standard token exchange",
                )
        if form.get("subject_token_type") != ACCESS_TOKEN:
            raise fault("invalid_request", "subject_token_type is access_token")
        if form.get("requested_token_type", ACCESS_TOKEN) != ACCESS_TOKEN:
            raise fault("invalid_request", "requested_token_type is access_token")

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        issuer, client = self.server.issuer, self.request.client.client
        subject = self._subject(client)
        user = self.server.people.by_id(subject.get("sub", ""))
        if user is None:
            raise fault("invalid_request", "Invalid token")
        try:
            granted = claims.grant(issuer.realm, client, self.request.payload.scope, user)
        except ScopeError as wrong:
            raise fault("invalid_scope", str(wrong)) from wrong
        token = issuer.access(
            granted,
            user,
            self._audience(granted),
            sid=subject.get("sid"),
            signed_in=subject.get("auth_time"),
        )
        body = {
            "access_token": token,
            "expires_in": issuer.realm.lifetimes.access_token,
            "refresh_expires_in": 0,
            "token_type": "Bearer",
            "issued_token_type": ACCESS_TOKEN,
            "not-before-policy": 0,
            "session_state": subject.get("sid"),
            "scope": granted.text,
        }
        return 200, body, self.TOKEN_RESPONSE_HEADER

    def _subject(self, client: Client) -> dict[str, Any]:
        """The person's token: live, ours, and meant for (or issued to) the client that asks."""
        said: dict[str, Any] | None = self.server.issuer.read_access(
            self.request.form.get("subject_token", "")
        )
        if said is None:
            raise fault("invalid_request", "Invalid token")
        if client.client_id not in claims.concerned(said):
            raise fault("access_denied", "Client is not within the token audience", status=403)
        return said

    def _audience(self, granted: Granted) -> list[str]:
        """`audience` picks from what the scopes give."""
        available = claims.audience(granted)
        wanted = self.request.payload.datalist.get("audience", [])
        for name in wanted:
            if name not in self.server.issuer.realm.clients:
                raise fault("invalid_client", f"Audience not found: {name}")
            if name not in available:
                raise fault("invalid_request", f"Requested audience not available: {name}")
        return [name for name in available if name in wanted] if wanted else available
