"""Hosts that bring their own description (CIMD): off until realm.json names whom to believe.

Pure. A host's clientId is then the URL of a document about itself, which Keycloak fetches: so only
from domains that somebody here chose, and never from the gateway's own.
"""

from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from mcp_gateway.realm.clients import AUDIENCE, ROLE_SCOPE, Realm

DOMAINS = "mcp.cimd.trusted-domains"  # attribute of the realm: patterns, with commas; empty is off
NAME = "mcp-cimd"
LOOPBACK = ["localhost", "127.0.0.1"]  # where hosts on a person's own machine are redirected to


def add_cimd(realm: Realm, gateway: str) -> None:
    """The profile and the policy that let such hosts in.

    Raises:
        ValueError: a pattern that would take in everybody, or the gateway's own clients.

    """
    told = str(realm.get("attributes", {}).get(DOMAINS, ""))
    domains = sorted({domain.strip().lower() for domain in told.split(",")} - {""})
    for kind, inner in (("clientProfiles", "profiles"), ("clientPolicies", "policies")):
        realm[kind][inner] = [one for one in realm[kind][inner] if one["name"] != NAME]
    audiences = [one["name"] for one in realm["clientScopes"] if one["name"].startswith(AUDIENCE)]
    # what such a host gets without anybody's hand: roles, and every endpoint's scope to ask for
    for key, names in (
        ("defaultDefaultClientScopes", [ROLE_SCOPE]),
        ("defaultOptionalClientScopes", audiences),
    ):
        others = [name for name in realm[key] if name not in names]
        realm[key] = others + (names if domains else [])
    if not domains:
        return
    for domain in domains:
        if "." not in domain.strip("*.") or "*" in domain.removeprefix("*."):
            raise ValueError(f"{DOMAINS}: {domain!r}: a domain, or *. and a domain")
        if fnmatchcase(urlsplit(gateway).hostname or "", domain):
            raise ValueError(f"{DOMAINS}: {domain!r} takes in the gateway's own clients")
    realm["clientProfiles"]["profiles"].append(
        {
            "name": NAME,
            "description": "Hosts that describe themselves, of trusted domains.",
            "executors": [
                {
                    "executor": "client-id-metadata-document",
                    "configuration": {
                        "cimd-allow-http-scheme": False,
                        "cimd-allow-permitted-domains": [*domains, *LOOPBACK],
                        "cimd-restrict-same-domain": False,  # redirects go to loopback
                    },
                }
            ],
        }
    )
    realm["clientPolicies"]["policies"].append(
        {
            "name": NAME,
            "description": "A clientId that is the https URL of a trusted domain's document.",
            "enabled": True,
            "conditions": [
                {
                    "condition": "client-id-uri",
                    "configuration": {
                        "client-id-uri-scheme": ["https"],
                        "client-id-uri-allow-permitted-domains": domains,
                    },
                }
            ],
            "profiles": [NAME],
        }
    )
