import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerlab.evidence.journal import Event, Journal, Kind, read_journal

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.one_of(st.none(), st.booleans(), st.integers(), TEXT)
EVENTS = st.builds(
    Event,
    st.floats(0, 1e6).map(lambda seconds: round(seconds, 6)),
    st.sampled_from(Kind),
    st.none() | TEXT,
    TEXT,
    st.dictionaries(TEXT.filter(lambda key: key not in {"at", "kind", "node", "text"}), VALUES),
)


@settings(max_examples=60)
@given(event=EVENTS)
def test_an_event_is_read_as_it_was_written(event: Event) -> None:
    line = event.as_json()
    assert "\n" not in line
    assert Event.from_json(line) == event


def test_a_journal_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    odd = "\r\n \u2028 \x85 \x1b[31m \x00 ü 👍"
    times = iter([10.0, 10.5, 12.0])
    seen: list[Event] = []
    journal = Journal(path, lambda: next(times), seen.append)
    journal.record(Kind.RUN, text=odd)
    journal.record(Kind.PRINTED, "u1", odd, stream="stdout")
    journal.append(Event(0.25, Kind.END))
    journal.close()
    events = [
        Event(0.5, Kind.RUN, None, odd),
        Event(2.0, Kind.PRINTED, "u1", odd, {"stream": "stdout"}),
        Event(0.25, Kind.END),
        Event(0.25, Kind.CLOSED, detail={"events": 3}),
    ]
    assert seen == events
    assert list(read_journal(path)) == events


def test_every_event_is_in_the_file_as_soon_as_it_is_told(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path, lambda: 0.0, None)
    journal.record(Kind.RUN, text="one")
    assert [event.text for event in read_journal(path)] == ["one"]
    journal.close()


def test_what_is_told_after_the_end_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    seen: list[Event] = []
    journal = Journal(path, lambda: 0.0, seen.append)
    journal.record(Kind.END)
    journal.close()
    journal.close()
    journal.record(Kind.PRINTED, "u1", "too late")
    assert [event.kind for event in read_journal(path)] == [Kind.END, Kind.CLOSED]
    assert [event.kind for event in seen] == [Kind.END, Kind.CLOSED]


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_a_last_line_cut_short_is_left_out(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "journal.jsonl"
    events = [Event(0.0, Kind.RUN), Event(1.0, Kind.PRINTED, "u1", "grüße")]
    data = "".join(event.as_json() + "\n" for event in events).encode()
    path.write_bytes(data[:-cut])
    assert list(read_journal(path)) == events[:1]


def test_a_character_cut_in_two_at_the_end_is_left_out_too(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    whole = Event(0.0, Kind.RUN)
    path.write_bytes(whole.as_json().encode() + b'\n{"at": 1, "text": "gr\xc3')
    assert list(read_journal(path)) == [whole]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "hello",
        "[]",
        "3",
        "null",
        "{}",
        json.dumps({"at": 1, "kind": "printed"}),
        json.dumps({"at": 1, "kind": "unheard-of", "text": ""}),
        json.dumps({"at": None, "kind": "printed", "text": ""}),
        json.dumps({"kind": "printed", "text": ""}),
    ],
)
def test_a_line_that_is_no_event_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Event.from_json(line)


def test_a_subscriber_that_fails_is_told_no_more_and_the_record_goes_on(tmp_path: Path) -> None:
    told: list[Event] = []

    def closed_terminal(event: Event) -> None:
        told.append(event)
        raise BrokenPipeError

    path = tmp_path / "journal.jsonl"
    journal = Journal(path, lambda: 0.0, closed_terminal)
    journal.record(Kind.RUN)
    journal.record(Kind.END)
    journal.close()
    assert [event.kind for event in told] == [Kind.RUN]
    assert [event.kind for event in read_journal(path)] == [Kind.RUN, Kind.END, Kind.CLOSED]
