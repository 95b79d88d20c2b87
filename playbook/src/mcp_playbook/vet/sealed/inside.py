"""Runs first in the new namespaces: takes network, files and rights away, then becomes the server.

Standard library only, started by a bare interpreter. Whatever cannot be taken away ends it, with
exit code 97 and the reason on stderr: nothing foreign has run by then.
"""

import ctypes
import json
import os
import resource
import socket
import sys
from pathlib import Path

REFUSED = 97
# <linux/mount.h>, <linux/prctl.h>; there are no names for them in the standard library
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 32, 4096, 16384, 1 << 18
MNT_DETACH = 2
SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
SYS_MOUNT_SETATTR = 442  # Linux 5.12
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
PR_SET_NO_NEW_PRIVS, PR_CAPBSET_DROP = 38, 24
HIGHEST_CAPABILITY = 63
DEVICES = ("null", "zero", "full", "random", "urandom")
MEMORY_BYTES = 2 * 1024**3
LIMITS = {
    resource.RLIMIT_CORE: 0,
    resource.RLIMIT_CPU: 60,
    resource.RLIMIT_DATA: MEMORY_BYTES,
    resource.RLIMIT_FSIZE: 64 * 1024**2,
    resource.RLIMIT_NOFILE: 256,
    resource.RLIMIT_NPROC: 256,
}

libc = ctypes.CDLL(None, use_errno=True)


class Attributes(ctypes.Structure):
    """struct mount_attr"""

    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "userns")]


def done(what: str, result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def mount(source: str, target: Path, kind: str, flags: int, data: str = "") -> None:
    words = (source.encode(), str(target).encode(), kind.encode() or None)
    done(f"mount on {target}", libc.mount(*words, ctypes.c_ulong(flags), data.encode() or None))


def only_loopback() -> None:
    """Raises when there is an interface to the outside, or the loopback one is up."""
    names = [name for _, name in socket.if_nameindex() if name != "lo"]
    if names:
        raise OSError(f"the network is still there: {', '.join(names)}")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # TEST-NET-1: needs a route, sends nothing
        except OSError:
            return
    raise OSError("there is a route to the outside")


def show(path: str, root: Path) -> None:
    """The same path under the new root: read-only, without devices and set-user-id."""
    target = root / path.lstrip("/")
    if Path(path).is_symlink():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(Path(path).readlink())
        return
    if Path(path).is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    mount(path, target, "", MS_BIND | MS_REC)
    seal(target, MS_RDONLY | MS_NOSUID | MS_NODEV)


def seal(target: Path, flags: int) -> None:
    wanted = Attributes(set=flags)
    result = libc.syscall(
        SYS_MOUNT_SETATTR, AT_FDCWD, str(target).encode(), AT_RECURSIVE,
        ctypes.byref(wanted), ctypes.c_size_t(ctypes.sizeof(wanted)),
    )  # fmt: skip
    done(f"read-only {target}", result)


def new_root(root: Path, paths: list[str]) -> None:
    """A file system of its own: the given paths, a few devices, and an empty /tmp."""
    mount("none", Path("/"), "", MS_REC | MS_PRIVATE)
    mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, "size=16m,mode=755")
    (root / "tmp").mkdir()  # before the paths: one of them may lie under it
    mount("tmpfs", root / "tmp", "tmpfs", MS_NOSUID | MS_NODEV, "size=64m,mode=700")
    for path in paths:
        show(path, root)
    for name in DEVICES:
        target = root / "dev" / name
        target.parent.mkdir(exist_ok=True)
        target.touch()
        mount(f"/dev/{name}", target, "", MS_BIND)
    (root / "proc").mkdir()
    mount("proc", root / "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    mount("none", root, "", MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV)
    os.chdir(root)
    done("pivot_root", libc.syscall(SYS_PIVOT_ROOT[os.uname().machine], b".", b"."))
    done("leave the old root", libc.umount2(b".", MNT_DETACH))
    os.chdir("/tmp")  # noqa: S108  of this namespace alone


def no_rights() -> None:
    for what, most in LIMITS.items():
        resource.setrlimit(what, (most, most))
    for capability in range(HIGHEST_CAPABILITY):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    done("no new privileges", libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def main(order: str) -> None:
    told = json.loads(order)
    try:
        only_loopback()
        new_root(Path(told["root"]), told["paths"])
        no_rights()
    except (OSError, KeyError) as error:
        sys.stderr.write(f"not sealed: {error}\n")
        sys.exit(REFUSED)
    try:
        os.execve(told["command"][0], told["command"], told["env"])  # noqa: S606  no shell, and meant
    except OSError as error:
        sys.stderr.write(f"cannot start {told['command'][0]}: {error.strerror}\n")
        sys.exit(126)


if __name__ == "__main__":
    main(sys.argv[1])
