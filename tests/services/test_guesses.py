from services.server.guesses import FORGOTTEN_AFTER, FREE, MAX_ADDRESSES, Guesses


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_delay_doubles_from_the_fourth_on_up_to_a_bound() -> None:
    guesses = Guesses(0.25, 8.0, Clock())

    delays = [guesses.wrong("10.0.0.2") for _ in range(11)]
    assert delays == [0, 0, 0, 0.25, 0.5, 1, 2, 4, 8, 8, 8]


def test_one_address_does_not_pay_for_another() -> None:
    guesses = Guesses(0.25, 8.0, Clock())
    for _ in range(FREE):
        guesses.wrong("10.0.0.2")

    assert guesses.wrong("10.0.0.3") == 0
    assert guesses.wrong("10.0.0.2") == 0.25


def test_an_address_starts_anew_after_a_quiet_time() -> None:
    clock = Clock()
    guesses = Guesses(0.25, 8.0, clock)
    for _ in range(FREE + 1):
        guesses.wrong("10.0.0.2")
    clock.now += FORGOTTEN_AFTER

    assert [guesses.wrong("10.0.0.2") for _ in range(FREE + 1)] == [0, 0, 0, 0.25]


def test_days_of_guesses_are_held_back_as_the_bound_says() -> None:
    guesses = Guesses(0.25, 8.0, Clock())
    delays = [guesses.wrong("10.0.0.2") for _ in range(5000)]

    assert delays[-1] == 8.0


def test_of_too_many_addresses_the_oldest_is_forgotten() -> None:
    guesses = Guesses(0.25, 8.0, Clock())
    for _ in range(FREE):
        guesses.wrong("first")
        guesses.wrong("last")
    for number in range(MAX_ADDRESSES - 1):
        guesses.wrong(str(number))

    assert guesses.wrong("last") == 0.25
    assert guesses.wrong("first") == 0
