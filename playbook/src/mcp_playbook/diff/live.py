"""What a running server of this gateway says of itself, asked with the gateway's own token."""

from collections.abc import Mapping
from typing import Any

import httpx2
from joserfc import jwk

from mcp_gateway.configuration import addresses, settings
from mcp_gateway.configuration.settings import Settings
from mcp_gateway.definitions.drift import FAMILIES, MAX_PAGES
from mcp_gateway.identity.exchange import Exchange
from mcp_gateway.listing import discovery
from mcp_gateway.refusals import Refusal
from mcp_gateway.upstream.outbound import Outbound
from mcp_playbook import wire
from mcp_playbook.lint.sources import SourceError


async def served(made: Settings, server: str) -> Mapping[str, Any]:
    """Tools and prompts as it lists them now.

    Raises:
        SourceError: the server or the issuer does not answer.

    """
    config = settings.load(made.config, made)
    (listed,) = (one for one in settings.servers(config, made.config) if one.name == server)
    address = made.upstreams.get(server, listed.resource)
    try:
        token = await _token(made, config, server)
        return {key: await _pages(address, method, key, token) for _, method, key in FAMILIES}
    except (Refusal, OSError, httpx2.HTTPError) as error:
        raise SourceError(f"{server} does not answer: {error}") from error


async def _token(made: Settings, config: settings.Config, server: str) -> str:
    internal = addresses.internal(config.issuer, made.issuer_internal)
    key = jwk.import_key((made.keys / "gateway-assertion.pem").read_bytes(), "RSA")
    key.ensure_kid()
    client = Outbound()
    try:
        exchange = Exchange(
            client=client,
            token_url=f"{internal}/protocol/openid-connect/token",
            issuer=config.issuer,
            key=key,
        )
        return await exchange.own_token(config.public_url + discovery.path_of(server), server)
    finally:
        await client.aclose()


async def _pages(address: str, method: str, key: str, token: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    params: dict[str, Any] = {}
    for _ in range(MAX_PAGES):
        reply = await wire.ask(address, method, params, token=token)
        if not reply.result:
            raise SourceError(f"{method} at {address}: {reply.brief()}")
        found += reply.result.get(key, [])
        if not (following := reply.result.get("nextCursor")):
            break
        params = {"cursor": following}
    return found
