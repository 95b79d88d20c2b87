from mcp_gateway.upstream.breaker import FAILURES, REST_SECONDS, Breaker


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_server_rests_after_failing_in_a_row_and_one_call_tries_for_all() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(FAILURES):
        assert breaker.wait() == 0
        breaker.failed()
    assert breaker.wait() == REST_SECONDS
    clock.now += REST_SECONDS - 1
    assert breaker.wait() == 1
    clock.now += 1
    assert breaker.wait() == 0  # this one tries
    assert breaker.wait() == REST_SECONDS  # the others wait for it
    breaker.failed()
    assert breaker.wait() == REST_SECONDS
    clock.now += REST_SECONDS
    assert breaker.wait() == 0
    breaker.worked()
    assert breaker.wait() == 0


def test_failures_between_successes_do_not_add_up() -> None:
    breaker = Breaker(Clock())
    for _ in range(10):
        for _ in range(FAILURES - 1):
            breaker.failed()
        breaker.worked()
        assert breaker.wait() == 0


def test_a_trial_that_never_came_back_does_not_close_the_server_for_good() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(FAILURES):
        breaker.failed()
    for _ in range(3):
        clock.now += REST_SECONDS
        assert breaker.wait() == 0
