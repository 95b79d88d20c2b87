"""Runs checks one after another, and turns whatever happens into an outcome.

A check that breaks is a failure, with its own words: an unexpected exception never passes for
"not yet", and never stops the others.
"""

import asyncio
import time
from collections.abc import Callable, Sequence

import httpx2

from mcp_local.stack_toml import StackTomlError
from mcp_playbook.checks.check import Check, Failed, NotYet, Outcome, State
from mcp_playbook.checks.needs import SIGN_IN
from mcp_playbook.console import ConsoleError
from mcp_playbook.deployment import Deployment
from mcp_playbook.tokens import NoTokenError
from mcp_playbook.wire import ListRefusedError

SECONDS = 400.0  # for one check; most take one or two, W3-13 with WAIT=1 a token's life


async def run(
    checks: Sequence[Check], at: Deployment, done: Callable[[Outcome], None] = lambda _: None
) -> list[Outcome]:
    outcomes = []
    for check in checks:
        outcomes.append(await outcome(check, at))
        done(outcomes[-1])
    return outcomes


async def outcome(check: Check, at: Deployment) -> Outcome:
    begun = time.perf_counter()
    state: State
    try:
        async with asyncio.timeout(SECONDS):
            state, evidence, do = "pass", await check.run(at), ""
    except NotYet as missing:
        state, evidence, do = "not yet", missing.missing, missing.do
    except Failed as failed:
        state, evidence, do = "fail", failed.seen, failed.do
    except ListRefusedError as refused:
        state, evidence, do = (
            "fail",
            str(refused),
            "Does the token name this endpoint? make doctor.",
        )
        if refused.unauthenticated:
            state, do = "not yet", SIGN_IN
    except (httpx2.HTTPError, NoTokenError, ConsoleError, StackTomlError) as error:
        state, evidence = "fail", f"{type(error).__name__}: {error}"[:300]
        do = "Is the deployment up? make ps, make doctor."
    except TimeoutError:
        state, evidence, do = "fail", f"no end within {SECONDS:.0f} s", "make ps, make logs."
    except Exception as error:  # noqa: BLE001  a checklist reports every failure and goes on
        state, evidence = "fail", f"the check itself broke: {type(error).__name__}: {error}"[:300]
        do = "Report it with this line; it says nothing about the deployment."
    return Outcome(check, state, evidence, do, time.perf_counter() - begun)
