"""Redirect URIs: exact, except that a loopback address registered without a port takes any.

Pure. As in Keycloak this holds for `http://127.0.0.1` and `http://localhost`, not for `[::1]`.
"""

import re
from collections.abc import Iterable

# nothing but a port may differ; user info, escapes and dot segments never get this far
LOOPBACK = re.compile(r"http://(127\.0\.0\.1|localhost):([1-9][0-9]{0,4})(/[\w\-/]*)", re.ASCII)


def matches(uri: str, registered: Iterable[str]) -> bool:
    known = set(registered)
    if uri in known:
        return True
    found = LOOPBACK.fullmatch(uri)
    if found is None or int(found[2]) > 65535:
        return False
    return f"http://{found[1]}{found[3]}" in known
