from functools import partial
from math import inf

from peerlab.wire.agenda import Agenda


def done_at(agenda: Agenda, until: float, clock: float) -> None:
    agenda.catch_up(until, lambda: clock)


def _note(done: list[str], name: str, _at: float) -> None:
    done.append(name)


def test_what_is_due_is_done_in_the_order_in_which_it_is_due_and_equals_as_they_came() -> None:
    agenda, done = Agenda(), list[str]()
    for due, name in ((3.0, "c"), (1.0, "a"), (3.0, "d"), (2.0, "b"), (9.0, "never")):
        agenda.enter(due, partial(_note, done, name))
    assert agenda.due_at == 1.0
    done_at(agenda, 3.0, 3.0)
    assert done == ["a", "b", "c", "d"]
    assert agenda.due_at == 9.0


def test_what_is_entered_while_others_are_done_is_done_too_if_it_is_due() -> None:
    agenda, done = Agenda(), list[float]()
    agenda.enter(1.0, lambda at: agenda.enter(at + 1, done.append))
    done_at(agenda, 5.0, 1.5)
    assert done == [2.5]
    assert agenda.due_at == inf


def test_only_what_is_timed_counts_as_late() -> None:
    agenda = Agenda()
    for timed in (True, False):
        agenda.enter(1.0, lambda _at: None, timed=timed)
    agenda.enter(1.46, lambda _at: None, timed=True)
    done_at(agenda, 1.5, 1.5)
    assert (agenda.timed, agenda.late, agenda.latest) == (2, 1, 0.5)


def test_before_the_end_all_is_done_as_if_it_were_its_time() -> None:
    agenda, done = Agenda(), list[float]()
    agenda.enter(1000.0, done.append, timed=True)
    agenda.catch_up(inf, lambda: 1.0)
    assert done == [1000.0]
    assert agenda.late == 0
