"""Licences as an index states them: an identifier everybody knows, some other words, or nothing.

Pure: no clock, no network, no state. Names no favourite: what your company accepts is yours to say.
"""

import re

# SPDX identifiers of licences that the Open Source Initiative approves and servers use
_OPEN = """
0BSD AFL-3.0 AGPL-3.0 AGPL-3.0-ONLY AGPL-3.0-OR-LATER APACHE-2.0 ARTISTIC-2.0 BSD-2-CLAUSE
BSD-3-CLAUSE BSL-1.0 CDDL-1.0 ECL-2.0 EPL-1.0 EPL-2.0 EUPL-1.2 GPL-2.0 GPL-2.0-ONLY
GPL-2.0-OR-LATER GPL-3.0 GPL-3.0-ONLY GPL-3.0-OR-LATER ISC LGPL-2.1 LGPL-2.1-ONLY
LGPL-2.1-OR-LATER LGPL-3.0 LGPL-3.0-ONLY LGPL-3.0-OR-LATER MIT MIT-0 MPL-2.0 MS-PL NCSA OSL-3.0
POSTGRESQL PYTHON-2.0 UNLICENSE UPL-1.0 ZLIB
"""
OPEN = frozenset(_OPEN.split())
_SPOKEN = {
    "MIT LICENSE": "MIT",
    "THE MIT LICENSE": "MIT",
    "APACHE LICENSE 2.0": "APACHE-2.0",
    "APACHE LICENSE, VERSION 2.0": "APACHE-2.0",
    "APACHE SOFTWARE LICENSE": "APACHE-2.0",
    "APACHE 2.0": "APACHE-2.0",
    "BSD LICENSE": "BSD-3-CLAUSE",
}
_NONE = frozenset({"", "UNLICENSED", "PROPRIETARY", "NONE", "UNKNOWN"})


def is_open(stated: str) -> bool:
    """Whether every licence of an SPDX expression is an open one that we know."""
    words = _SPOKEN.get(stated.strip().upper(), stated.strip().upper())
    pieces = [one for one in re.split(r"\s+(?:OR|AND|WITH)\s+|[()]", words) if one.strip()]
    return bool(pieces) and all(piece.strip() in OPEN for piece in pieces)


def is_stated(stated: str) -> bool:
    return stated.strip().upper() not in _NONE


def name_of(text: str) -> str:
    """The licence that a LICENSE file begins with; empty when it is none of the usual."""
    head = " ".join(text.split())[:600].lower()
    if "apache license" in head and "version 2.0" in head:
        return "Apache-2.0"
    if "mozilla public license" in head and "2.0" in head:
        return "MPL-2.0"
    if "permission is hereby granted, free of charge" in head or "mit license" in head:
        return "MIT"
    if "redistribution and use in source and binary forms" in head:
        return "BSD-3-Clause"
    for name, said in (("AGPL-3.0", "gnu affero general"), ("GPL-3.0", "gnu general public")):
        if said in head and "version 3" in head:
            return name
    return ""
