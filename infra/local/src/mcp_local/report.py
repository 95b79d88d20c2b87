"""The end of `make up`: people, governed calls, the question, and what to paste into a client."""

import time

from rich.table import Table

from mcp_local import clients, screen, stack_file
from mcp_local.load import Stack
from mcp_local.people import people


def report(stack: Stack, *, calls: bool, begun: float) -> int:
    here = stack.here
    out = screen.console
    filler = stack.filler()
    if everyone := people(here.root):
        out.print("\n[bold]People[/] of the demo company")
        shown = Table(box=None, pad_edge=False, show_header=False)
        for person in everyone:
            groups = ", ".join(g for g in person.groups if g not in person.role.split(", "))
            shown.add_row(person.username, person.name, person.role, groups)
        out.print(shown)
        out.print(f"One password for all: cat {_quoted(here.secrets / 'demo-password')}")
    good = True
    if calls:
        from mcp_local import demo

        out.print("\n[bold]Calls[/] just made through the gateway")
        good = demo.show_calls(filler)
        out.print()
        good = demo.show_question(filler) and good
    out.print("\n[bold]Connect[/] a client")
    clients.show(here)
    operators = [one.username for one in everyone if "operator" in one.role.split(", ")]
    signs_in = f", as {operators[0]}" if operators else ""
    out.print(f"\nConsole: {here.gateway}/console{signs_in}   Issuer: {here.issuer}")
    if traces := stack_file.telemetry(filler):
        out.print(f"Traces: {traces}")
    out.print("Next: make week-1, make demo, make ps, make logs, make doctor, make down")
    out.print(f"[bold]{time.monotonic() - begun:.1f} s[/] in all.")
    if not good:
        out.print(
            "\nThe stack runs, but the calls above did not all go as they should.", style="red"
        )
    return 0 if good else 1


def _quoted(path: object) -> str:
    text = str(path)
    return f"'{text}'" if " " in text else text
