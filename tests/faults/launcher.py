"""`python -m faults.launcher`: the gateway as it is, with failpoints around its steps.

It lives among the tests, so that no switch of production can arm one. FAULTS_FOLDER is where they
are armed; FAULTS_MUTANT puts one of the wrong ledgers in the right one's place.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path

from faults import failpoints
from faults.mutants import MUTANTS

from mcp_gateway.__main__ import main

PR_SET_PDEATHSIG = 1

if __name__ == "__main__":
    if sys.platform == "linux":  # a harness that is killed leaves no gateway behind
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if mutant := os.environ.get("FAULTS_MUTANT"):
        MUTANTS[mutant]()
    failpoints.install(
        failpoints.Armed(Path(os.environ["FAULTS_FOLDER"]), os.environ["GATEWAY_REPLICA"])
    )
    main()
