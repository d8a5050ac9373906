import pytest

from crawler.health import BREAK_AFTER, GIVE_UP_AFTER, MAX_PAUSE, HostHealth, backoff, retry_after

NOON = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Tue, 14 Nov 2023 22:14:20 GMT", 60.0),
        ("Tue, 14 Nov 2023 22:00:00 GMT", 0.0),
        ("-5", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("9" * 30, None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOON) == seconds


def test_backoff_doubles_within_bounds() -> None:
    assert [backoff(attempt, 5) for attempt in (1, 2, 3)] == [5, 10, 20]
    assert backoff(10_000, 5) == MAX_PAUSE


def test_the_circuit_opens_and_in_the_end_the_host_is_left_alone() -> None:
    health = HostHealth(base=1)
    now = NOON
    for opening in range(1, GIVE_UP_AFTER + 1):
        for _ in range(BREAK_AFTER):
            assert health.ready(now)
            health.failed("timeout", now)
        assert health.opened == opening
        assert not health.ready(now)
        now = health.ready_at
    assert health.gave_up is not None
    assert not health.ready(now + 10**9)


def test_success_closes_the_count() -> None:
    health = HostHealth(base=1)
    for _ in range(10 * BREAK_AFTER):
        health.failed("http-500", NOON)
        health.succeeded()
    assert health.ready(NOON)
    assert health.opened == 0


def test_what_the_server_asks_for_is_kept() -> None:
    health = HostHealth(base=1)
    health.failed("http-429", NOON, wait=30)
    assert not health.ready(NOON + 29)
    assert health.ready(NOON + 30)
    health.failed("http-429", NOON, wait=MAX_PAUSE * 10)
    assert health.gave_up is not None


def test_repeated_failures_of_one_url_say_nothing_of_the_host() -> None:
    health = HostHealth(base=1)
    for _ in range(10 * BREAK_AFTER):
        health.failed("timeout", NOON, counts=False)
    assert health.ready(NOON)


def test_a_burst_of_failures_opens_the_circuit_once() -> None:
    health = HostHealth(base=1)
    for _ in range(50 * BREAK_AFTER):
        health.failed("timeout", NOON)
    assert health.opened == 1
    assert health.gave_up is None
