from peerlab.evidence.journal import Event, Kind
from peerlab.evidence.spans import Span, spans

ENDS = {Kind.RESUMED, Kind.EXITED}


def at(*told: tuple[float, Kind]) -> list[Event]:
    return [Event(moment, kind, "u1") for moment, kind in told]


def test_a_time_lasts_until_whatever_ends_it_first() -> None:
    events = at((1, Kind.PAUSED), (2, Kind.RESUMED), (3, Kind.PAUSED), (4, Kind.EXITED))
    assert spans(events, Kind.PAUSED, ENDS) == [Span(1, 2), Span(3, 4)]


def test_a_time_that_was_not_seen_to_end_has_no_end() -> None:
    assert spans(at((1, Kind.PAUSED)), Kind.PAUSED, ENDS) == [Span(1, None)]


def test_what_ends_nothing_says_nothing() -> None:
    events = at((1, Kind.EXITED), (2, Kind.PAUSED), (3, Kind.RESUMED), (4, Kind.EXITED))
    assert spans(events, Kind.PAUSED, ENDS) == [Span(2, 3)]


def test_a_time_has_its_begin_and_not_its_end() -> None:
    assert [Span(1, 2).holds(moment) for moment in (0.9, 1, 1.9, 2)] == [False, True, True, False]
    assert Span(1, None).holds(1e9)
