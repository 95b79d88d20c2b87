"""What happens behind the browser's back: token, introspection, revocation, userinfo, keys."""

from typing import Any

from authlib.oauth2 import OAuth2Error
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox_idp import claims, discovery
from sandbox_idp.faults import fault
from sandbox_idp.flows import Asked, Flows
from sandbox_idp.forms import posted
from sandbox_idp.logs import log

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class Endpoints:
    def __init__(self, flows: Flows) -> None:
        self._flows = flows
        self._issuer = flows.issuer

    async def token(self, request: Request) -> Response:
        asked = await posted(request, self._issuer.url)
        if "grant_type" not in asked.form:
            raise fault("invalid_request", "Missing form parameter: grant_type")
        answer: Response = self._flows.create_token_response(asked)
        _note("token", asked, answer)
        return answer

    async def introspect(self, request: Request) -> Response:
        asked = await posted(request, self._issuer.url)
        client = self._flows.authenticate_client(asked, []).client
        if client.public:
            raise fault("invalid_request", "Client not allowed.", status=403)
        token = asked.form.get("token", "")
        said = self._issuer.read_access(token)
        if said is None and (found := self._issuer.read_refresh(token)):
            refresh, session = found
            said = refresh if refresh["jti"] == session.refresh else None
        if said is None or client.client_id not in claims.concerned(said):
            return JSONResponse({"active": False}, headers=NO_STORE)
        active = {"active": True, "client_id": said["azp"], "token_type": said["typ"]}
        if username := said.get("preferred_username"):
            active["username"] = username
        return JSONResponse({**said, **active}, headers=NO_STORE)

    async def revoke(self, request: Request) -> Response:
        """RFC 7009: an unknown token is no error; another client's token is."""
        asked = await posted(request, self._issuer.url)
        client = self._flows.authenticate_client(asked, []).client
        token = asked.form.get("token")
        if not token:
            raise fault("invalid_request", "Missing parameter: token")
        access = self._issuer.read_access(token)
        refresh = self._issuer.read_refresh(token)
        said = access or (refresh[0] if refresh else None)
        if said and said["azp"] != client.client_id:
            raise fault("invalid_request", "Unmatching clients")
        if access:
            self._issuer.memory.revoked.put(access["jti"], value=True)
        if refresh:
            self._issuer.memory.end(refresh[1].sid)
        return Response(status_code=200, headers=NO_STORE)

    async def userinfo(self, request: Request) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        said = self._issuer.read_access(token.strip()) if scheme.lower() == "bearer" else None
        user = self._flows.people.by_id(said["sub"]) if said and "sub" in said else None
        if said is None or user is None:
            return _challenge(401, "invalid_token", "Token verification failed")
        if "openid" not in said["scope"].split():
            return _challenge(403, "insufficient_scope", "Missing openid scope")
        client = self._issuer.realm.clients[said["azp"]]
        granted = claims.grant(self._issuer.realm, client, said["scope"], user)
        body = claims.claims(granted, user, "userinfo", signed_in=None)
        return JSONResponse({"sub": user.id, **body}, headers=NO_STORE)

    async def keys(self, request: Request) -> Response:
        del request
        return JSONResponse(self._issuer.keys.published(), headers={"Cache-Control": "no-cache"})

    async def metadata(self, request: Request) -> Response:
        del request
        body = discovery.metadata(self._issuer.url, self._issuer.realm)
        return JSONResponse(body, headers={"Cache-Control": "no-cache"})

    async def realm(self, request: Request) -> Response:
        del request
        pem = self._issuer.keys.public_pem()
        return JSONResponse(discovery.realm_info(self._issuer.url, self._issuer.realm, pem))

    async def health(self, request: Request) -> Response:
        del request
        return JSONResponse({"status": "UP"})

    async def refused(self, request: Request, error: Exception) -> Response:
        """Every OAuth error that no flow has answered."""
        del request
        if not isinstance(error, OAuth2Error):
            raise error
        log.info("refused", extra={"error": error.error, "detail": error.description})
        answer: Response = self._flows.handle_error_response(None, error)
        return answer


def _challenge(status: int, error: str, description: str) -> Response:
    said = f'Bearer error="{error}", error_description="{description}"'
    body = {"error": error, "error_description": description}
    return JSONResponse(body, status, {"WWW-Authenticate": said, **NO_STORE})


def _note(event: str, asked: Asked, answer: Response) -> None:
    said: dict[str, Any] = {"grant": asked.form.get("grant_type", "")[:80]}
    if asked.client is not None:
        said["client"] = asked.client.client.client_id
    if asked.user is not None:
        said["user"] = asked.user.username
    if answer.status_code != 200:
        log.info(f"{event} refused", extra={**said, "error": bytes(answer.body).decode()[:300]})
    else:
        log.info(f"{event} issued", extra=said)
