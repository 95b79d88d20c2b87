"""What to paste into a client, and what it must trust where the stack answers https."""

from mcp_gateway.console.connect import configurations
from mcp_local import screen
from mcp_local.place import Place
from mcp_local.trust import Authority


def show(here: Place) -> None:
    for client in configurations(f"{here.gateway}/mcp"):
        screen.console.print(f"\n[cyan]{client.title}[/]")
        screen.console.print(client.text, markup=False)
    for line in trust(here):
        screen.console.print(line, markup=False)


def trust(here: Place) -> tuple[str, ...]:
    """Nothing where the stack answers plain http."""
    if not here.tls:
        return ()
    authority = Authority(here.certificates)
    certificate = f"'{authority.certificate}'"
    # Codex may take what is named instead of the system's authorities: it gets all of them
    everyone = f"'{authority.bundle}'"
    return (
        "",
        "Trust: this stack answers https with a certificate of its own authority, which can vouch",
        "for this machine's loopback names and for nothing else. Start the client with",
        f"  export NODE_EXTRA_CA_CERTS={certificate}     Claude Code, Inspector, Node",
        f"  export CODEX_CA_CERTIFICATE={everyone}    Codex",
        f"  curl --cacert {certificate} {here.gateway}/readyz",
        "A browser, VS Code and Cursor ask the system: infra/local/README.md says how to add it.",
    )
