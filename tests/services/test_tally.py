from services.tally import EVERY, Tally


def test_the_first_line_is_due_at_once_and_the_next_one_only_later() -> None:
    now = 100.0
    tally = Tally(lambda: now)

    assert tally.due() is None
    assert tally.line() is None
    tally.count("damaged")
    assert tally.due() == 0.0
    assert tally.line() == "1 damaged"
    tally.count("damaged")
    tally.count("replayed")
    tally.count("damaged")
    assert tally.due() == EVERY
    assert tally.line() is None
    now += EVERY
    assert tally.line() == "2 damaged, 1 replayed"
    assert tally.due() is None
