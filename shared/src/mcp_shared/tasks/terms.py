"""What a tool says of its tasks: `TASKS = Terms(...)` in its module. Pure."""

from dataclasses import dataclass

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Terms:
    """How long a tool may take, and how long what it found is kept; seconds."""

    # refused to a client that cannot poll, instead of answered while it waits
    required: bool = False
    # so long a call may still end as a plain one; then it is a task
    patience: float = 1.0
    # of one attempt
    longest: float = 600.0
    # from its creation; then state and result are gone
    ttl: float = 3600.0
    poll: float = 2.0
    # when its process is lost, for a tool whose hints call it idempotent; any other has one
    attempts: int = 3

    def __post_init__(self) -> None:
        if not 0 < self.patience < self.longest <= self.ttl <= DAY or self.attempts < 1:
            raise ValueError("expected 0 < patience < longest <= ttl <= a day, and one attempt")
