"""OAuth errors whose text may quote a request without breaking RFC 6749's character rules."""

from authlib.oauth2 import OAuth2Error

LONGEST = 200


def fault(
    error: str, description: str, *, status: int = 400, redirect_uri: str | None = None
) -> OAuth2Error:
    plain = "".join(c if " " <= c <= "~" and c not in '"\\' else "?" for c in description)
    return OAuth2Error(plain[:LONGEST], status_code=status, redirect_uri=redirect_uri, error=error)
