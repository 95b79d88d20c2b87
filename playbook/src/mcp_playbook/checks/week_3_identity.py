"""Week 3: nobody is let in without a token made for this door."""

import base64
import json
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from mcp_playbook import wire
from mcp_playbook.checks.check import Failed, NotYet, line
from mcp_playbook.checks.inside import refused_inside
from mcp_playbook.checks.leaving import refused_after_leaving
from mcp_playbook.checks.needs import signed_in
from mcp_playbook.deployment import Deployment, Endpoint
from mcp_playbook.wire import Reply

METADATA = "/.well-known/oauth-protected-resource"
REDIRECT = "http://127.0.0.1:43123/callback"
ANYBODY = "mcp-host"  # the realm's public client for hosts of one's own
FORGED_HOST = "evil.example"
SUBJECT = {"sub": "somebody", "aud": "https://another.example/mcp", "exp": 9_999_999_999}


@line(
    "W3-01", "black-box", "No token: 401 that names the metadata", "CC6.1", "CC6.6", "A.8.5"
)  # fmt: skip
async def no_token(at: Deployment) -> str:
    for endpoint in at.endpoints:
        for method in ("tools/list", "tools/call"):
            reply = await at.ask(endpoint, method, {"name": "x"} if method == "tools/call" else {})
            challenge = reply.headers.get("www-authenticate", "")
            if reply.status != 401:
                raise Failed(
                    f"{endpoint.shown} {method} without a token: {reply.brief()}",
                    do="Authenticate before anything is read; the gateway does.",
                )
            if "resource_metadata=" not in challenge:
                raise Failed(
                    f"{endpoint.shown}: the challenge is {challenge or 'missing'!r}",
                    do="WWW-Authenticate: Bearer resource_metadata=… (RFC 9728 section 5.1): "
                    "without it no client finds where to sign in.",
                )
    return f"401 with resource_metadata at {len(at.endpoints)} endpoint(s)"


@line(
    "W3-02", "black-box", "Metadata comes from configuration, not from the Host header",
    "CC6.1", "A.8.9",
)  # fmt: skip
async def metadata(at: Deployment) -> str:
    for endpoint in at.endpoints:
        url = _metadata_url(endpoint)
        document = await _json(url)
        if document.get("resource") != endpoint.url or not document.get("authorization_servers"):
            raise Failed(
                f"{urlsplit(url).path} says resource {document.get('resource')!r}",
                do="Exactly the URL clients use, with the issuer beside it (RFC 9728 3.3).",
            )
        forged = await wire.get(url, headers={"host": FORGED_HOST})
        if FORGED_HOST in forged.text:
            raise Failed(
                "a forged Host header appears in the metadata",
                do="Take resource and issuer from configuration alone.",
            )
    return f"{len(at.endpoints)} document(s), the same bytes under a forged Host"


@line(
    "W3-03", "black-box", "A token for one endpoint is refused at every other", "CC6.1", "A.5.15",
    "A.8.3",
)  # fmt: skip
async def audience(at: Deployment) -> str:
    if at.tokens is None or len(at.endpoints) == 1:
        return await _foreign(at)
    tried = 0
    for home in at.endpoints:
        token = await signed_in(at, home)
        for other in at.endpoints:
            reply = await at.ask(other, "tools/list", token=token)
            if other is home and not reply.works:
                raise Failed(
                    f"a token for {home.shown} is refused there: {reply.brief()}",
                    do="make doctor; does the token name this endpoint as its audience?",
                )
            if other is not home and reply.status != 401:
                raise Failed(
                    f"a token for {home.shown} was taken at {other.shown}: {reply.brief()}",
                    do="Compare aud with the endpoint's own URL, exactly (RFC 8707).",
                )
            tried += other is not home
    return f"{tried} pairs of endpoints, each 401"


async def _foreign(at: Deployment) -> str:
    """Without tokens, or with one endpoint alone: a token that is plainly for somebody else."""
    token = _jwt({"alg": "RS256", "typ": "at+jwt", "kid": "elsewhere"}, b"not a signature")
    reply = await at.ask(at.endpoints[0], "tools/list", token=token)
    if reply.status != 401:
        raise Failed(
            f"a token for another resource was taken: {reply.brief()}",
            do="Check issuer, signature and audience of every token.",
        )
    raise NotYet("one endpoint alone: no pair to try", do="Give the other endpoints too.")


@line(
    "W3-04", "black-box", "Forged, altered and unsigned tokens are refused", "CC6.1", "A.8.5",
    "A.8.24",
)  # fmt: skip
async def forged(at: Deployment) -> str:
    endpoint = at.endpoints[0]
    tokens = {
        "unsigned (alg none)": _jwt({"alg": "none"}, b""),
        "signed with a word (HS256)": _jwt({"alg": "HS256"}, b"0" * 32),
        "no token at all but a word": "letmein",
    }
    if at.tokens is not None:
        good = await signed_in(at, endpoint)
        head, body, signature = good.split(".")
        claims = json.loads(_unpadded(body)) | {"preferred_username": "root"}
        flipped = signature[:-2] + ("A" if signature[-2] != "A" else "B") + signature[-1]
        tokens["altered in its claims"] = f"{head}.{_padded(claims)}.{signature}"
        tokens["altered in its signature"] = f"{head}.{body}.{flipped}"
        tokens["stripped of its signature"] = f"{head}.{body}."
        unsigned = _padded(json.loads(_unpadded(head)) | {"alg": "none"})
        tokens["declared unsigned"] = f"{unsigned}.{body}."
    for what, token in tokens.items():
        reply = await at.ask(endpoint, "tools/list", token=token)
        if reply.status != 401:
            raise Failed(
                f"a token {what} was answered {reply.brief()}",
                do="Fix the algorithms in configuration, never from the token (RFC 8725 3.1).",
            )
    return f"{len(tokens)} kinds of false token, each 401"


@line("W3-05", "black-box", "Tokens outside the Authorization header are refused", "CC6.1", "A.8.5")
async def places(at: Deployment) -> str:
    endpoint = at.endpoints[0]
    token = await signed_in(at, endpoint) if at.tokens else _jwt({"alg": "RS256"}, b"0")
    at_query = Endpoint(endpoint.name, f"{endpoint.url}?access_token={token}", endpoint.scope)
    tried: dict[str, Reply] = {
        "in the query": await at.ask(at_query, "tools/list"),
        "in a cookie": await at.ask(
            endpoint, "tools/list", headers={"cookie": f"access_token={token}"}
        ),
        "under Basic": await at.ask(
            endpoint, "tools/list", headers={"authorization": f"Basic {token}"}
        ),
    }
    for where, reply in tried.items():
        if reply.status not in (400, 401, 404):
            raise Failed(
                f"a token {where} was answered {reply.brief()}",
                do="Read tokens from one Authorization header: URLs and cookies end up in logs.",
            )
    return ", ".join(f"{where} {reply.status}" for where, reply in tried.items())


@line(
    "W3-06", "kit", "The caller's token opens no server: it ends at the gateway", "CC6.1", "A.8.3"
)
async def ends_here(at: Deployment) -> str:
    return await refused_inside(at, with_token=True)


@line(
    "W3-13", "kit", "A person removed at the issuer is refused within the bound", "CC6.2", "A.5.18"
)
async def removed(at: Deployment) -> str:
    return await refused_after_leaving(at)


@line("W3-14", "black-box", "Sign-in insists on PKCE with S256", "CC6.1", "A.8.5")
async def pkce(at: Deployment) -> str:
    document = await _json(_metadata_url(at.endpoints[0]))
    issuers = document.get("authorization_servers") or []
    if not issuers:
        raise Failed("no metadata names an issuer", do="See W3-02.")
    issuer = str(issuers[0])
    about = await _json(f"{issuer}/.well-known/openid-configuration")
    if "S256" not in about.get("code_challenge_methods_supported", []):
        raise Failed("the issuer does not offer S256", do="Turn PKCE on (RFC 9700 2.1.1).")
    asked = {
        "response_type": "code", "client_id": ANYBODY, "redirect_uri": REDIRECT, "state": "s",
        "scope": f"openid {at.endpoints[0].scope}",
    }  # fmt: skip
    for what, more in {
        "without a challenge": {},
        "with a plain one": {"code_challenge": "a" * 43, "code_challenge_method": "plain"},
    }.items():
        answer = await wire.get(str(about["authorization_endpoint"]), params={**asked, **more})
        refused = answer.status_code >= 400 or "error=" in answer.headers.get("location", "")
        if not refused:
            raise Failed(
                f"sign-in {what} was begun ({answer.status_code})",
                do="Enforce S256 realm-wide: infra/keycloak/realm.json has the client policy.",
            )
    good = {"code_challenge": "a" * 43, "code_challenge_method": "S256"}
    answer = await wire.get(str(about["authorization_endpoint"]), params={**asked, **good})
    if answer.status_code >= 400 or "error=" in answer.headers.get("location", ""):
        raise NotYet(
            f"the issuer knows no public client {ANYBODY!r}, so nothing was shown",
            do="Register it with a loopback redirect, as infra/keycloak/realm.json does.",
        )
    return "refused without a challenge and with a plain one; begun with S256"


def _metadata_url(endpoint: Endpoint) -> str:
    parts = urlsplit(endpoint.url)
    return urlunsplit((parts.scheme, parts.netloc, METADATA + parts.path, "", ""))


async def _json(url: str) -> dict[str, Any]:
    answer = await wire.get(url)
    try:
        found = answer.json() if answer.status_code == 200 else None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Failed(
            f"{urlsplit(url).path} answers {answer.status_code}",
            do="Serve it as JSON, without a token (RFC 9728 section 3).",
        )
    return found


def _jwt(header: dict[str, str], signature: bytes) -> str:
    sealed = base64.urlsafe_b64encode(signature).rstrip(b"=").decode()
    return f"{_padded(header)}.{_padded(SUBJECT)}.{sealed}"


def _padded(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
