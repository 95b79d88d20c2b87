# mypy: allow-subclassing-any
# (Authlib has no types)
"""The code, refresh, password and client-credentials grants, with Keycloak's answers."""

import uuid
from dataclasses import replace
from typing import Any

from authlib.oauth2.rfc6749 import grants
from authlib.oauth2.rfc7636 import CodeChallenge

from sandbox_idp import claims
from sandbox_idp.claims import ScopeError, TargetError
from sandbox_idp.faults import fault
from sandbox_idp.memory import Code, Session
from sandbox_idp.realm import User

Answer = tuple[int, dict[str, Any], list[tuple[str, str]]]


class S256(CodeChallenge):
    """PKCE: always, S256 only, and looked for when the code is asked for."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        asked = grant.request.payload.data
        if not asked.get("code_challenge"):
            raise fault("invalid_request", "Missing parameter: code_challenge")
        if asked.get("code_challenge_method") != "S256":
            raise fault("invalid_request", "code_challenge_method is S256")
        super().validate_code_challenge(grant, redirect_uri)

    def validate_code_verifier(self, grant: Any, result: Any) -> None:
        if not grant.request.form.get("code_verifier"):
            raise fault("invalid_grant", "PKCE code verifier not specified")
        super().validate_code_verifier(grant, result)


class CodeGrant(grants.AuthorizationCodeGrant):
    def validate_authorization_request(self) -> str:
        redirect_uri: str = super().validate_authorization_request()
        asked = self.request.payload.data
        # nobody is signed in before the form, so there is nothing to answer silently
        if asked.get("prompt") == "none":
            raise fault("login_required", "Sign-in is needed", redirect_uri=redirect_uri)
        if asked.get("response_mode", "query") != "query":
            raise fault("invalid_request", "response_mode is query", redirect_uri=redirect_uri)
        for unsupported in ("request", "request_uri"):
            if unsupported in asked:
                error = f"{unsupported}_not_supported"
                raise fault(error, "Send plain parameters", redirect_uri=redirect_uri)
        self.check_terms(redirect_uri, None)
        return redirect_uri

    def check_terms(self, redirect_uri: str, user: User | None) -> claims.Granted:
        """Scopes and resource as they will be in the token, refused before anybody signs in."""
        realm = self.server.issuer.realm
        asked = self.request.payload.data
        try:
            granted = claims.grant(realm, self.request.client.client, asked.get("scope"), user)
            resource = self.server.resource(asked)
            claims.narrowed(realm, claims.audience(granted), resource)
        except ScopeError as wrong:
            raise fault("invalid_scope", str(wrong), redirect_uri=redirect_uri) from wrong
        except TargetError as wrong:
            raise fault("invalid_target", str(wrong), redirect_uri=redirect_uri) from wrong
        return granted

    def save_authorization_code(self, code: str, request: Any) -> None:
        asked, memory = request.payload.data, self.server.issuer.memory
        memory.codes.put(
            code,
            Code(
                client_id=request.client.client.client_id,
                redirect_uri=asked["redirect_uri"],
                scope=asked.get("scope", ""),
                resource=self.server.resource(asked),
                nonce=asked.get("nonce"),
                code_challenge=asked["code_challenge"],
                code_challenge_method=asked["code_challenge_method"],
                username=request.user.username,
                sid=str(uuid.uuid4()),
                signed_in=int(memory.clock()),
            ),
        )

    def query_authorization_code(self, code: str, client: Any) -> Code | None:
        """A code works once, whoever presents it; a second time it ends what it began."""
        memory = self.server.issuer.memory
        found: Code | None = memory.codes.pop(code)
        if found is None:
            if sid := memory.spent_codes.get(code):
                memory.end(sid)
            return None
        memory.spent_codes.put(code, found.sid)
        return found if found.client_id == client.client.client_id else None

    def create_token_response(self) -> Answer:
        code: Code = self.request.authorization_code
        session = Session(
            sid=code.sid,
            client_id=code.client_id,
            username=code.username,
            scope=code.scope,
            resource=_resource(self, code.resource),
            signed_in=code.signed_in,
            refresh="",
        )
        return _answer(self, session, nonce=code.nonce)


class RefreshGrant(grants.RefreshTokenGrant):
    def authenticate_refresh_token(self, token: str) -> Any:
        issuer = self.server.issuer
        found = issuer.read_refresh(token)
        if found is None:
            raise fault("invalid_grant", "Token is not active")
        said, session = found
        if session.client_id != self.request.client.client.client_id:
            raise fault("invalid_grant", "Invalid refresh token. Token client differs")
        if said["jti"] != session.refresh:
            # a used token in circulation is a stolen one: nobody keeps this session
            issuer.memory.end(session.sid)
            raise fault("invalid_grant", "Maximum allowed refresh token reuse exceeded")
        return _Live(session)

    def _validate_token_scope(self, token: Any) -> None:
        """What was not granted at first is left out, not refused."""

    def create_token_response(self) -> Answer:
        session: Session = self.request.refresh_token.session
        first = session.scope.split()
        scope = [name for name in (self.request.payload.scope or "").split() if name in first]
        session = replace(session, resource=_resource(self, session.resource))
        return _answer(self, session, scope=" ".join(scope) if self.request.payload.scope else None)


class _Live:
    """A session under the name Authlib uses for a refresh token."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def check_client(self, client: Any) -> bool:
        return bool(client.client.client_id == self.session.client_id)


class PasswordGrant(grants.ResourceOwnerPasswordCredentialsGrant):
    def authenticate_user(self, username: str, password: str) -> User:
        user: User | None = self.server.people.sign_in(username, password)
        if user is None:
            raise fault("invalid_grant", "Invalid user credentials")
        return user

    def create_token_response(self) -> Answer:
        asked = self.request.payload.data
        session = Session(
            sid=str(uuid.uuid4()),
            client_id=self.request.client.client.client_id,
            username=self.request.user.username,
            scope=asked.get("scope", ""),
            resource=self.server.resource(asked),
            signed_in=int(self.server.issuer.memory.clock()),
            refresh="",
        )
        return _answer(self, session)


class ClientGrant(grants.ClientCredentialsGrant):
    def create_token_response(self) -> Answer:
        issuer, client = self.server.issuer, self.request.client.client
        user = self.server.people.service_account(client)
        try:
            granted = claims.grant(issuer.realm, client, self.request.payload.scope, user)
        except ScopeError as wrong:
            raise fault("invalid_scope", str(wrong)) from wrong
        token = issuer.access(granted, user, claims.audience(granted), sid=None, signed_in=None)
        body = {
            "access_token": token,
            "expires_in": issuer.realm.lifetimes.access_token,
            "refresh_expires_in": 0,
            "token_type": "Bearer",
            "not-before-policy": 0,
            "scope": granted.text,
        }
        return 200, body, self.TOKEN_RESPONSE_HEADER


def _resource(grant: Any, first: str | None) -> str | None:
    """A later request repeats the resource or leaves it out; it never brings one."""
    later: str | None = grant.server.resource(grant.request.form)
    if later not in (None, first):
        raise fault("invalid_target", "The resource differs from the one first asked for")
    return first


def _answer(
    grant: Any, session: Session, *, scope: str | None = None, nonce: str | None = None
) -> Answer:
    try:
        body = grant.server.issuer.signed_in(session, scope=scope, nonce=nonce)
    except ScopeError as wrong:
        raise fault("invalid_scope", str(wrong)) from wrong
    except TargetError as wrong:
        raise fault("invalid_target", str(wrong)) from wrong
    return 200, body, grant.TOKEN_RESPONSE_HEADER
