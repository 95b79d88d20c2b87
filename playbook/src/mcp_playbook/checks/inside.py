"""Asking the servers themselves, past the gateway: they must refuse."""

import httpx2

from mcp_playbook import wire
from mcp_playbook.checks.check import Failed, NotYet
from mcp_playbook.checks.needs import kit_of, signed_in
from mcp_playbook.deployment import Deployment


async def refused_inside(at: Deployment, *, with_token: bool) -> str:
    """Every server's own address, without a token or with one that the gateway accepts."""
    kit = kit_of(at)
    if not kit.internal:
        raise NotYet(
            "the servers' own addresses are not known", do="Set [internal] in deployment.toml."
        )
    told = []
    for endpoint in at.backends():
        if (url := kit.internal.get(endpoint.name)) is None:
            continue
        token = await signed_in(at, endpoint) if with_token else None
        try:
            reply = await wire.ask(url, "tools/list", token=token)
        except httpx2.HTTPError as error:
            told.append(f"{endpoint.shown} not reachable from here ({type(error).__name__})")
            continue
        if reply.status != 401:
            raise Failed(
                f"{endpoint.shown} answered {reply.brief()}",
                do="Serve it through mcp_shared.serve, which checks audience and caller; keep its "
                "port inside the gateway's network.",
            )
        told.append(f"{endpoint.shown} 401")
    if not told:
        raise NotYet("no listed server's address is known", do="Set [internal] in deployment.toml.")
    return ", ".join(told)
