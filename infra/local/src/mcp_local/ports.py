"""Free loopback ports, and who holds a busy one."""

import contextlib
import random
import socket

import psutil

# Below the ports the kernel gives to outgoing connections (Linux from 32768, macOS from 49152):
# there, a client that retries a dead server can be given the server's own port, which then stays
# busy when the server comes back.
LOWEST, HIGHEST = 18000, 31999


class NoFreePortError(RuntimeError):
    """Every port of the range is taken."""


def free_port() -> int:
    """A port free at this moment; another process may take it, so callers retry a bind."""
    for port in random.sample(range(LOWEST, HIGHEST + 1), 500):
        if is_free(port):
            return port
    raise NoFreePortError(f"No free port between {LOWEST} and {HIGHEST}.")


def is_free(port: int) -> bool:
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
            s.listen(1)
        except OSError:
            return False
        return True


def holder_process(port: int) -> psutil.Process | None:
    """The process that listens on a port, where this user may know it."""
    try:
        pids = [
            connection.pid
            for connection in psutil.net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,)
        ]
    except psutil.AccessDenied:  # macOS shows all sockets to root alone, one's own to each
        pids = [process.pid for process in psutil.process_iter() if _listens(process, port)]
    for pid in pids:
        if pid is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                return psutil.Process(pid)
    return None


def _listens(process: psutil.Process, port: int) -> bool:
    with contextlib.suppress(psutil.Error):
        return any(
            connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,)
            for connection in process.net_connections("tcp")
        )
    return False


def holder(port: int) -> str | None:
    """Name, pid and command of a port's listener, as far as this user may know it."""
    process = holder_process(port)
    if process is None:
        return None
    with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        words = " ".join(process.cmdline())
        return f"{process.name()} (pid {process.pid}{': ' + words[:120] if words else ''})"
    return f"pid {process.pid}"
