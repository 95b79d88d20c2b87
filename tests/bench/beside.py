"""Whom the gateway is measured beside, in the same run."""

import shutil

from bench import asking
from bench.parts import PYTHON
from bench.stage import Stage, Subject

from mcp_local.ports import free_port

GATEWAY = "http://localhost:8080"


def direct(stage: Stage) -> Subject:
    """The upstream itself."""
    path = stage.path(stage.office, "stock")
    return Subject("upstream", stage.upstream, stage.upstream_port, path, "read_shelf")


def nginx(stage: Stage) -> Subject:
    """The practical floor: a plain proxy to the same upstream, of one worker."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if found is None:
        raise RuntimeError("nginx is not installed. On Debian and Ubuntu: apt-get install nginx.")
    port, home = free_port(), stage.folder / "nginx"
    home.mkdir()
    file = home / "nginx.conf"
    file.write_text(
        NGINX.format(home=home, port=port, upstream=stage.upstream_port), encoding="utf-8"
    )
    command = [found, "-p", str(home), "-c", str(file), "-e", str(home / "error.log")]
    made = stage.process("nginx", command, port)
    return Subject("nginx", made, port, stage.path(stage.office, "stock"), "read_shelf")


def sdk(stage: Stage) -> list[Subject]:
    """The SDK's own server with the same tool, called directly, as both eras call it."""
    port = free_port()
    made = stage.process("sdk", [PYTHON, "-m", "bench.stock", "plain", str(port)], port)
    return [
        Subject(f"SDK server, {era}", made, port, "/mcp", "read_shelf", era=era)
        for era in (asking.MODERN, asking.LEGACY)
    ]


def governed(stage: Stage) -> Subject:
    """A second gateway, in front of a server as this repository writes them, on the SDK."""
    port, issuer = free_port(), stage.office.issuer
    stage.process(
        "stock",
        [PYTHON, "-m", "bench.stock"],
        port,
        env={
            "MCP_HOST": "127.0.0.1",
            "MCP_PORT": str(port),
            "MCP_RESOURCE": "http://stock.internal/mcp",
            "MCP_ISSUER": issuer.url,
            "MCP_JWKS_URL": issuer.jwks_url,
            "MCP_CALLERS": f"{GATEWAY}/mcp,{GATEWAY}/servers/stock/mcp",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{stage.sink_port}",
        },
        subject=False,
    )
    return stage.gateway(
        "gateway before a real server", upstreams={"stock": f"http://127.0.0.1:{port}/mcp"}
    )


NGINX = """
daemon off;
worker_processes 1;
pid {home}/nginx.pid;
error_log {home}/error.log warn;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    upstream mcp {{
        server 127.0.0.1:{upstream};
        keepalive 64;
        keepalive_requests 1000000000;
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://mcp;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }}
    }}
}}
"""
