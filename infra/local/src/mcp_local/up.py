"""make up: start, wait, and show what now stands."""

import threading
import time
from contextlib import nullcontext
from importlib import import_module

from mcp_local import control, screen, trust
from mcp_local.board import READY, read_board
from mcp_local.load import Stack
from mcp_local.policies import insist_on_policies


def up(stack: Stack, *, calls: bool) -> int:
    from mcp_local import report

    begun = time.monotonic()
    here = stack.here
    insist_on_policies(here)
    control.insist_on_secrets(here, stack.plan)
    fresh = True
    if control.supervisor_pid(here) is not None:
        board = read_board(here.state)
        changed = board is None or board.fingerprint != control.fingerprint(here, stack.plan)
        if board is None or changed or any(part.trouble for part in board.parts.values()):
            why = "The stack's files have changed since it started" if changed else "A part is ill"
            screen.console.print(f"{why}: starting anew.")
            control.stop(here)
        else:
            fresh = board.ready is None
    if control.supervisor_pid(here) is None:
        control.start(here, stack.plan)
    if calls:
        # the SDK takes a second or two to import: meanwhile the stack starts
        threading.Thread(target=import_module, args=("mcp_local.demo",), daemon=True).start()
    with screen.progress(here) if fresh else nullcontext(lambda _: None) as show:
        board = control.wait_ready(here, show)
    started = time.monotonic() - begun
    word = "Ready in" if fresh else "Already running; checked in"
    everyone = sum(part.status in READY for part in board.parts.values())
    screen.console.print(f"\n{word} {started:.1f} s: {everyone} parts are well.\n")
    screen.console.print(screen.table(board, here, brief=True))
    if here.tls:
        screen.console.print("\nhttps, until `make up TLS=0`.")
    if here.idp == "keycloak":
        screen.console.print(
            "\nKeycloak signs people in, until `make up IDP=development`. "
            f"Its console: {here.issuer_base}/admin, admin, "
            f"the password in {here.secrets / 'keycloak-admin'}."
        )
    trust.adopt(here)
    return report.report(stack, calls=calls, begun=begun)
