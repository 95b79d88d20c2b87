"""Real proxies in front of the gateway: Caddy by its lock, nginx where the machine has it."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from mcp_local import locked_tool
from mcp_local.place import find_root
from mcp_local.ports import free_port

START_SECONDS = 60.0
CADDY = """
{
	admin off
	persist_config off
	auto_https off
	default_bind 127.0.0.1
}
http://:%(port)d {
	reverse_proxy 127.0.0.1:%(gateway)d
}
"""
NGINX = """
daemon off;
master_process off;
pid %(folder)s/nginx.pid;
error_log %(folder)s/error.log;
events { worker_connections 256; }
http {
    access_log off;
    client_body_temp_path %(folder)s/client;
    proxy_temp_path %(folder)s/proxy;
    fastcgi_temp_path %(folder)s/fastcgi;
    uwsgi_temp_path %(folder)s/uwsgi;
    scgi_temp_path %(folder)s/scgi;
    upstream gateway { server 127.0.0.1:%(gateway)d; keepalive 4; }
    server {
        listen 127.0.0.1:%(port)d;
        location / {
            proxy_pass http://gateway;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_request_buffering off;
        }
    }
}
"""


def caddy(folder: Path) -> list[str]:
    try:
        program = locked_tool.ready(find_root(Path(__file__).parent), "caddy") / "bin" / "caddy"
    except locked_tool.ToolMissingError as error:
        pytest.skip(f"NOT RUN behind Caddy: {error}")
    return [str(program), "run", "--adapter", "caddyfile", "--config", str(folder / "front.conf")]


def nginx(folder: Path) -> list[str]:
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/bin") or (
        shutil.which("nginx")
    )
    if program is None:
        pytest.skip("NOT RUN behind nginx: there is none on PATH")
    return [program, "-p", str(folder), "-c", str(folder / "front.conf")]


FRONTS: dict[str, tuple[Callable[[Path], list[str]], str]] = {
    "Caddy": (caddy, CADDY),
    "nginx": (nginx, NGINX),
}


@contextlib.asynccontextmanager
async def front(name: str, gateway: int, folder: Path) -> AsyncIterator[int]:
    """The port of a proxy that passes everything to the gateway, over connections it keeps."""
    command, template = FRONTS[name]
    port = free_port()
    words = command(folder)
    (folder / "front.conf").write_text(
        template % {"port": port, "gateway": gateway, "folder": folder}
    )
    with (folder / "front.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *words, stdout=log, stderr=log, env={"HOME": str(folder), "PATH": "/usr/bin"}
        )
    try:
        await _listens(port, process, folder / "front.log")
        yield port
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _listens(port: int, process: asyncio.subprocess.Process, log: Path) -> None:
    async with asyncio.timeout(START_SECONDS):
        while process.returncode is None:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.05)
    raise AssertionError(await asyncio.to_thread(log.read_text, "utf-8"))
