from services.server.allowance import BURST, MAX_ADDRESSES, PER_SECOND, Allowance


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_host_may_ask_for_a_burst_and_then_now_and_then() -> None:
    clock = Clock()
    allowance = Allowance(clock)

    assert [allowance.take("10.0.0.2") for _ in range(BURST + 2)] == [True] * BURST + [False] * 2
    clock.now += 1 / PER_SECOND
    assert [allowance.take("10.0.0.2") for _ in range(2)] == [True, False]
    clock.now += 1000.0
    assert [allowance.take("10.0.0.2") for _ in range(BURST + 1)] == [True] * BURST + [False]


def test_one_host_does_not_pay_for_another() -> None:
    allowance = Allowance(Clock())
    for _ in range(BURST + 1):
        allowance.take("10.0.0.2")

    assert allowance.take("10.0.0.3")
    assert not allowance.take("10.0.0.2")


def test_of_too_many_hosts_the_one_that_has_asked_longest_ago_is_forgotten() -> None:
    allowance = Allowance(Clock())
    for _ in range(BURST):
        allowance.take("first")
        allowance.take("last")
    for number in range(MAX_ADDRESSES - 1):
        allowance.take(str(number))

    assert not allowance.take("last")
    assert allowance.take("first")
