"""How long to wait before a dead process is started again.

Pure: no clock, no network, no state of its own.
"""

FIRST, LONGEST = 0.25, 15.0  # seconds
STEADY_SECONDS = 20.0  # a run this long was a good one: the next death starts from the beginning
PATIENCE = 3  # deaths in a row without ever having been well, before `make up` stops waiting


def deaths_in_a_row(before: int, ran_well_for: float) -> int:
    return 1 if ran_well_for >= STEADY_SECONDS else before + 1


def delay(deaths: int) -> float:
    doublings = min(deaths - 1, 16)  # far beyond LONGEST, and no overflow after a night of deaths
    return min(FIRST * 2.0**doublings, LONGEST)
