"""Free loopback ports, and who holds a busy one."""

import contextlib
import socket

import psutil


def free_port() -> int:
    """A port free at this moment; another process may take it, so callers retry a bind."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def holder(port: int) -> str | None:
    """Name and pid of the process that listens on a port, as far as this user may know it."""
    with contextlib.suppress(psutil.AccessDenied):
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port:
                if connection.pid is None:
                    break
                with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                    process = psutil.Process(connection.pid)
                    return f"{process.name()} (pid {process.pid})"
    return None
