"""What checks need of a deployment, or the word that it is not there."""

from mcp_local.governed import Call
from mcp_playbook.checks.check import NotYet
from mcp_playbook.deployment import Deployment, Endpoint, Kit
from mcp_playbook.wire import Reply

SIGN_IN = (
    "Give MCP_TOKEN (and PROBES=demo.toml for calls to try), or token_command in deployment.toml."
)
KIT = "Run it against the local stack (make up), or give DEPLOYMENT=deployment.toml."


def kit_of(at: Deployment) -> Kit:
    if at.kit is None:
        raise NotYet("a bare URL shows nothing of the kit", do=KIT)
    return at.kit


def one_allowed(at: Deployment) -> list[Call]:
    """A call for every server that a person may make."""
    if not (found := at.one_each()):
        raise NotYet(
            "no call to try is known",
            do="Name one in servers/<name>/demo.toml, or PROBES=demo.toml for a bare URL.",
        )
    return found


def expecting(at: Deployment, what: str) -> list[Call]:
    found = [probe for probe in at.probes if probe.expect == what]
    if not found:
        raise NotYet(
            f"no call is expected to be {what}",
            do=f'Add a [[call]] with expect = "{what}" to a demo.toml.',
        )
    return found


async def signed_in(at: Deployment, endpoint: Endpoint) -> str:
    """A token for this endpoint, of anybody who may do something."""
    people = [probe.person for probe in at.allowed()] or at.people()
    token = await at.token(people[0], endpoint) if people else None
    if token is None:
        raise NotYet("no token is at hand", do=SIGN_IN)
    return token


def let_in(at: Deployment, reply: Reply) -> None:
    """Raise NotYet when the door asked for a token that nobody gave this check."""
    if reply.status == 401 and at.tokens is None:
        raise NotYet("the endpoint answered 401, and no token is at hand", do=SIGN_IN)
