"""How a client proves itself: private_key_jwt (RFC 7523), or, being public, by its name alone."""

import json
from collections.abc import Mapping
from typing import Any

from authlib.oauth2 import OAuth2Error
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from sandbox_idp.faults import fault
from sandbox_idp.memory import Memory
from sandbox_idp.realm import Client, Realm

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ["RS256", "ES256"]
UNKNOWN = "Invalid client or Invalid client credentials"
SKEW_SECONDS = 15
LONGEST_SECONDS = 600  # memory of used ids lasts longer than this


class Clients:
    """Knows the realm's clients and which of their assertions were used."""

    def __init__(self, realm: Realm, issuer: str, memory: Memory) -> None:
        self._realm = realm
        self._memory = memory
        self._audiences = {issuer, f"{issuer}/protocol/openid-connect/token"}

    def authenticate(self, form: Mapping[str, str]) -> Client:
        assertion = form.get("client_assertion")
        if assertion is None and "client_assertion_type" not in form:
            client = self._realm.clients.get(form.get("client_id", ""))
            if client is None:
                raise fault("invalid_client", UNKNOWN, status=401)
            if not client.public:
                raise _unproven("Parameter client_assertion_type is missing")
            return client
        if form.get("client_assertion_type") != ASSERTION_TYPE or not assertion:
            raise _unproven("client_assertion and its type belong together")
        client = self._named(assertion)
        if form.get("client_id", client.client_id) != client.client_id:
            raise _unproven("client_id differs from the assertion's subject")
        self._check(client, assertion)
        return client

    def _named(self, assertion: str) -> Client:
        """The client that an assertion speaks of, before its signature is known to be right."""
        try:
            said = json.loads(jws.extract_compact(assertion.encode()).payload)
        except (JoseError, ValueError) as wrong:
            raise _unproven("The client assertion is not a JWT") from wrong
        subject = said.get("sub") if isinstance(said, dict) else None
        client = self._realm.clients.get(subject) if isinstance(subject, str) else None
        if client is None or client.public or "jwks.string" not in client.attributes:
            raise _unproven(UNKNOWN)
        return client

    def _check(self, client: Client, assertion: str) -> None:
        keys = KeySet.import_key_set(json.loads(client.attributes["jwks.string"]))
        algorithm = client.attributes.get("token.endpoint.auth.signing.alg", ALGORITHMS[0])
        if algorithm not in ALGORITHMS:
            raise _unproven("This client's assertion algorithm is not supported")
        try:
            said = jwt.decode(assertion, keys, algorithms=[algorithm]).claims
        except (JoseError, ValueError) as wrong:
            raise _unproven("The client assertion's signature is wrong") from wrong
        self._check_claims(client, said)

    def _check_claims(self, client: Client, said: Mapping[str, Any]) -> None:
        now = self._memory.clock()
        audience = said.get("aud")
        names = audience if isinstance(audience, list) else [audience]
        expires, made = said.get("exp"), said.get("iat", now)
        if said.get("iss") != client.client_id:
            raise _unproven("The client assertion's issuer is not its subject")
        if len(names) != 1 or names[0] not in self._audiences:
            raise _unproven("The client assertion is for another audience")
        if not isinstance(expires, int) or expires <= now - SKEW_SECONDS:
            raise _unproven("The client assertion has expired")
        if expires > now + LONGEST_SECONDS:
            raise _unproven("The client assertion lives too long")
        if not isinstance(made, int | float) or made > now + SKEW_SECONDS:
            raise _unproven("The client assertion is from the future")
        used = said.get("jti")
        if not isinstance(used, str) or not used or len(used) > 255:
            raise _unproven("The client assertion has no id")
        key = f"{client.client_id} {used}"
        if self._memory.assertions.get(key):
            raise _unproven("The client assertion was used before")
        self._memory.assertions.put(key, True)


def _unproven(description: str) -> OAuth2Error:
    return fault("invalid_client", description)
