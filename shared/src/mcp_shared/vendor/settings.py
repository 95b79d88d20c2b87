"""Where a vendor's server is and with what we sign in there, from the environment."""

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from mcp_shared.settings import SecretWord, stays_inside

MIB = 1024 * 1024


def _address(url: str) -> str:
    """One https address without a login, a query or a fragment, all of which end in logs."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if not host or parts.query or parts.fragment or "@" in parts.netloc or "\\" in url:
        raise ValueError("expected an address such as https://mcp.example.com/mcp")
    if parts.scheme != "https" and not (parts.scheme == "http" and stays_inside(url)):
        raise ValueError("expected https: the credential would travel in clear")
    return url


Address = Annotated[str, AfterValidator(_address)]


class VendorSettings(BaseSettings):
    """Read with the prefix of one server: `VendorSettings(_env_prefix="TICKETS_")`.

    Either `token`, or `client_id`, `client_secret` and `token_url`. The address of the token
    endpoint is a setting and not looked up at the vendor: what a foreign server answers does not
    decide where a secret is sent.
    """

    model_config = SettingsConfigDict(hide_input_in_errors=True)

    url: Address
    token: SecretWord | None = Field(default=None, min_length=8)
    client_id: str | None = Field(default=None, min_length=1)
    client_secret: SecretWord | None = Field(default=None, min_length=8)
    token_url: Address | None = None
    scope: str | None = None
    # for one tool call with everything it asks; below the 10 s of policy.yaml
    deadline_seconds: float = Field(default=8.0, gt=0, le=60)
    # of everything the vendor sends for one call, its list of tools included
    max_bytes: int = Field(default=2 * MIB, ge=1024, le=64 * MIB)

    @model_validator(mode="after")
    def _one_credential(self) -> Self:
        client = (self.client_id, self.client_secret, self.token_url)
        if (self.token is None) == (None in client):
            raise ValueError(
                "expected one credential: TOKEN, or all of CLIENT_ID, CLIENT_SECRET and TOKEN_URL"
            )
        return self
