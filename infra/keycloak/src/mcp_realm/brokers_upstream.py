"""What is particular to each kind of upstream: where its endpoints are, what its claims are worth.

Pure: no clock, no network, no state.
"""

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict

Kind = Literal["entra", "okta", "google", "oidc"]
GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TENANT = re.compile(rf"(?P<base>https?://[^/]+/(?P<tenant>{GUID.pattern}))/v2\.0")
GOOGLE = "https://accounts.google.com"


def _url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.netloc or value.endswith("/"):
        raise ValueError("expected an absolute http(s) URL without a trailing slash")
    return value


Url = Annotated[str, AfterValidator(_url)]


class Endpoints(BaseModel):
    """Where Keycloak reaches the upstream. It reads no discovery document at run time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    authorize: Url
    token: Url
    keys: Url
    # none, as at Google: signing out at Keycloak leaves the upstream's session
    logout: Url | None = None


def endpoints(kind: Kind, issuer: str) -> Endpoints:
    """Raises ValueError where the issuer is not of that kind's shape, or the kind has no shape."""
    if kind == "entra":
        found = TENANT.fullmatch(issuer)
        if found is None:
            raise ValueError(
                "expected https://login.microsoftonline.com/<tenant id>/v2.0 with the tenant's "
                "GUID; `common` and `organizations` would let every tenant in"
            )
        base = found["base"]
        return Endpoints(
            authorize=f"{base}/oauth2/v2.0/authorize",
            token=f"{base}/oauth2/v2.0/token",
            keys=f"{base}/discovery/v2.0/keys",
            logout=f"{base}/oauth2/v2.0/logout",
        )
    if kind == "okta":
        # the org's own authorization server has its endpoints below /oauth2, a custom one has that
        # in its issuer
        base = issuer if "/oauth2/" in issuer else f"{issuer}/oauth2"
        return Endpoints(
            authorize=f"{base}/v1/authorize",
            token=f"{base}/v1/token",
            keys=f"{base}/v1/keys",
            logout=f"{base}/v1/logout",
        )
    if kind == "google":
        if issuer != GOOGLE:
            raise ValueError(f"Google's issuer is {GOOGLE}")
        return Endpoints(
            authorize=f"{GOOGLE}/o/oauth2/v2/auth",
            token="https://oauth2.googleapis.com/token",  # noqa: S106  an address
            keys="https://www.googleapis.com/oauth2/v3/certs",
        )
    raise ValueError("an upstream of kind oidc names its endpoints: authorize, token, keys, logout")
