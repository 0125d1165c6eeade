import re
from typing import ClassVar, cast

import pytest

from peerlab.drive import transcript as module
from peerlab.drive.lines import LineKinds
from peerlab.drive.transcript import MAX_NOTICES, MAX_UNREAD, Transcript
from peerlab.evidence.journal import Event, Kind
from peerlab.scenario.values import MAX_LINE
from tests.drive.feeding import feed, pipe, pty, shown

# What is read, and how far.


def test_a_prompt_without_a_line_end_is_found() -> None:
    transcript = pipe()
    feed(transcript, b"Enter your username: ")
    assert transcript.search(re.compile("username: ")) is not None


def test_a_match_consumes_only_up_to_its_end() -> None:
    transcript = pipe()
    feed(transcript, b"one two\nthree fo")
    match = transcript.search(re.compile("two"))
    assert match is not None
    transcript.consume(match)
    assert transcript.unread == "\nthree fo"
    feed(transcript, b"ur\n")
    assert transcript.unread == "\nthree four\n"


def test_what_is_consumed_of_an_open_line_does_not_come_back_when_the_line_ends() -> None:
    transcript = pipe()
    feed(transcript, b"Name: ")
    match = transcript.search(re.compile("Name: "))
    assert match is not None
    transcript.consume(match)
    feed(transcript, b"hello\n")
    assert transcript.unread == "hello\n"


def test_one_match_may_span_closed_lines_and_the_open_lines_of_both_streams() -> None:
    transcript = pipe()
    feed(transcript, b"a\nb")
    transcript.printed("stderr", b"cd", 0.0)
    match = transcript.search(re.compile("a\nbc"))
    assert match is not None
    transcript.consume(match)
    assert transcript.unread == "d"


def test_lines_of_two_streams_stay_whole() -> None:
    transcript = pipe()
    events = transcript.printed("stdout", b"out", 0.0)
    events += transcript.printed("stderr", b"err\n", 0.0)
    events += transcript.printed("stdout", b"put\n", 0.0)
    assert [(event.detail["stream"], event.text) for event in events] == [
        ("stderr", "err\n"),
        ("stdout", "output\n"),
    ]


# Notices and traces.


def test_a_notice_is_never_in_the_dialogue() -> None:
    transcript = pipe()
    events = feed(transcript, b"one\n* u2 says HEY\ntwo\n")
    assert transcript.unread == "one\ntwo\n"
    assert transcript.notices == ("* u2 says HEY",)
    assert [event.detail.get("notice") for event in events] == [None, True, None]
    assert shown(events) == [
        ("printed", "one\n"),
        ("printed", "* u2 says HEY\n"),
        ("printed", "two\n"),
    ]


@pytest.mark.parametrize("consumed", [True, False], ids=["read", "unread"])
def test_a_prompt_before_a_notice_on_the_same_line_stays_in_the_dialogue(*, consumed: bool) -> None:
    transcript = Transcript("u1", LineKinds(notice=re.compile(r"\* .*$", re.MULTILINE)))
    feed(transcript, b"Message: ")
    match = transcript.search(re.compile("Message: "))
    assert match is not None
    if consumed:
        transcript.consume(match)
    (event,) = feed(transcript, b"* u2 says HEY\n")
    assert event.text == "Message: * u2 says HEY\n"
    assert transcript.notices == ("* u2 says HEY",)
    assert transcript.unread == ("" if consumed else "Message: ")


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (rb'sent 1 "a\n\"b\" \u00fc"', 'a\n"b" ü'),
        (b'sent 1 "not ended', '"not ended'),
        (b"sent 1 12", "12"),
        (b"sent 1 " + b"[" * 50_000, "[" * (MAX_LINE - len("sent 1 "))),
    ],
    ids=["text", "cut", "number", "bomb"],
)
def test_quoted_text_of_a_trace_is_read_as_json_and_else_kept_as_it_is(
    line: bytes, text: str
) -> None:
    kinds = LineKinds(sent=re.compile(r"^sent (?P<id>\d+) (?P<quoted>.*)$"))
    (event,) = Transcript("u1", kinds).printed("stdout", line + b"\n", 0.0)
    assert event.text == text


def test_taking_a_notice_leaves_the_other_notices_and_the_dialogue() -> None:
    transcript = pipe()
    feed(transcript, b"> \n* u2 says A\n* u3 says B\n* u2 says B\n")
    match = transcript.take_notice(re.compile("says B$"))
    assert match is not None
    assert match.string == "* u3 says B"
    assert transcript.notices == ("* u2 says A", "* u2 says B")
    assert transcript.take_notice(re.compile("says C")) is None
    assert transcript.unread == "> \n"


def test_traces_become_events_of_their_own_and_nobody_sees_them() -> None:
    transcript = pipe()
    events = feed(transcript, b"trace: sent m1 to 10.0.0.3: HEY: you\ntrace: received m2: HO\n")
    assert events == [
        Event(0.0, Kind.SENT, "u1", "HEY: you", {"id": "m1", "peer": "10.0.0.3"}),
        Event(0.0, Kind.RECEIVED, "u1", "HO", {"id": "m2", "peer": None}),
    ]
    assert transcript.unread == ""
    assert transcript.notices == ()
    assert transcript.outputs == 0


def test_groups_of_a_trace_cannot_overwrite_what_the_journal_says_of_the_event() -> None:
    sent = re.compile(r"^sent (?P<id>\d+) (?P<kind>\S+) (?P<node>\S+) (?P<at>\S+)$")
    (event,) = Transcript("u1", LineKinds(sent=sent)).printed("stdout", b"sent 7 k n later\n", 1.0)
    read = Event.from_json(event.as_json())
    assert (read.at, read.kind, read.node, read.detail["id"]) == (1.0, Kind.SENT, "u1", "7")


def test_a_line_has_the_time_of_its_first_piece() -> None:
    transcript = pipe()
    transcript.printed("stdout", b"on", 1.0)
    (first, second) = transcript.printed("stdout", b"e\ntwo\n", 2.0)
    assert (first.at, second.at) == (1.0, 2.0)


# What is typed.


def test_on_a_pipe_what_is_typed_is_never_matched_and_ends_the_open_line() -> None:
    transcript = pipe()
    feed(transcript, b"Name: ")
    events = transcript.typed("Mzi", 3.0, secret=False)
    feed(transcript, b"Hello\n")
    assert shown(events) == [("printed", "Name: "), ("typed", "Mzi")]
    assert transcript.unread == "Name: \nHello\n"


@pytest.mark.parametrize(
    "chunks",
    [
        [b"Mzi\r\nHello\r\n"],
        [b"M", b"zi\r", b"\nHello\r", b"\n"],
        [b"Mzi", b"\r\n", b"Hello\r\n"],
    ],
    ids=["whole", "in pieces", "at the line end"],
)
def test_on_a_pseudo_terminal_the_echo_is_taken_out(chunks: list[bytes]) -> None:
    transcript = pty()
    transcript.typed("Mzi", 0.0, secret=False)
    events = feed(transcript, *chunks)
    assert transcript.unread == "\nHello\n"
    assert shown(events) == [("printed", "Hello\n")]


def test_lines_typed_one_after_the_other_are_all_taken_out_of_the_echo() -> None:
    transcript = pty()
    transcript.typed("one", 0.0, secret=False)
    transcript.typed("two", 0.0, secret=False)
    feed(transcript, b"one\r\ntwo\r\nHello\r\n")
    assert transcript.unread == "\n\nHello\n"


@pytest.mark.parametrize(
    "chunks", [[b"Yes\r\n"], [b"Y", b"es\r\n"], [b"Ye", b"s\r\n"]], ids=["whole", "1+2", "2+1"]
)
def test_with_the_echo_off_nothing_is_taken_from_output_that_begins_alike(
    chunks: list[bytes],
) -> None:
    transcript = pty()
    transcript.typed("Yeti", 0.0, secret=True)
    events = feed(transcript, *chunks)
    assert shown(events) == [("printed", "Yes\n")]
    assert transcript.unread == "\nYes\n"


def test_output_that_begins_like_what_was_typed_is_there_when_the_program_ends() -> None:
    transcript = pty()
    transcript.typed("Yeti", 0.0, secret=True)
    feed(transcript, b"Ye")
    assert shown(transcript.ended()) == [("printed", "Ye")]
    assert transcript.unread == "\nYe"


def test_the_answer_to_a_secret_is_not_taken_for_its_echo() -> None:
    transcript = pty()
    transcript.typed("1234", 0.0, secret=True)
    feed(transcript, b"\r\nWrong.\r\n1234\r\n")
    assert transcript.unread == "\n\nWrong.\n1234\n"


def test_a_secret_is_masked() -> None:
    (event,) = pipe().typed("CSC3@A1", 1.0, secret=True)
    assert event == Event(1.0, Kind.TYPED, "u1", "********", {"secret": True})


# The end.


def test_the_end_gives_the_open_lines() -> None:
    transcript = pipe()
    feed(transcript, b"Name: ")
    transcript.printed("stderr", b"oops", 0.0)
    assert shown(transcript.ended()) == [("printed", "Name: "), ("printed", "oops")]
    assert transcript.unread == "Name: oops"


def test_a_character_that_is_cut_short_by_the_end_is_shown_as_its_bytes() -> None:
    transcript = pipe()
    feed(transcript, b"caf\xc3")
    assert shown(transcript.ended()) == [("printed", "caf\\xc3")]


def test_bytes_that_are_no_text_are_shown_as_escapes() -> None:
    assert shown(feed(pipe(), b"a\xff\xfe\n")) == [("printed", "a\\xff\\xfe\n")]


# Bounds.


def test_only_the_newest_dialogue_is_kept() -> None:
    transcript = pipe()
    feed(transcript, b"first\n", *[b"x" * 1023 + b"\n"] * (MAX_UNREAD // 1024), b"last\n")
    assert len(transcript.unread) == MAX_UNREAD
    assert transcript.search(re.compile("first")) is None
    match = transcript.search(re.compile("last"))
    assert match is not None
    forgot = [transcript.forgot]
    transcript.consume(match)
    assert [*forgot, transcript.forgot] == [True, False]


def test_a_line_without_an_end_is_taken_as_it_is_when_it_is_too_long() -> None:
    transcript = pipe()
    assert feed(transcript, b"x" * MAX_LINE) == []
    assert [len(event.text) for event in feed(transcript, b"y")] == [MAX_LINE + 1]
    assert shown(feed(transcript, b"z\n")) == [("printed", "z\n")]


def test_only_the_newest_notices_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_NOTICES == 10_000
    monkeypatch.setattr(module, "MAX_NOTICES", 3)
    transcript = pipe()
    feed(transcript, b"* 0\n* 1\n* 2\n")
    forgot = [transcript.forgot]
    feed(transcript, b"* 3\n* 4\n")
    assert [*forgot, transcript.forgot] == [False, True]
    assert transcript.notices == ("* 2", "* 3", "* 4")


def test_a_flood_of_short_lines_does_not_move_the_kept_dialogue_for_each_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moved = 0
    merge = Transcript._merge

    def counted(self: Transcript) -> str:
        nonlocal moved
        moved += 1
        return merge(self)

    monkeypatch.setattr(Transcript, "_merge", counted)
    monkeypatch.setattr(module, "MAX_UNREAD", 1000)
    transcript = pipe()
    events = feed(transcript, *[b"\n"] * 20_000)
    assert len(events) == 20_000
    assert transcript.unread == "\n" * 1000
    assert moved <= 21


def test_lines_of_the_dialogue_that_come_at_once_are_one_event() -> None:
    transcript = pipe()
    transcript.printed("stdout", b"on", 1.0)
    events = transcript.printed("stdout", b"e\ntwo\n\n* HEY\nthree\n> ", 2.0)
    assert [(event.at, event.text, event.detail) for event in events] == [
        (1.0, "one\n", {"stream": "stdout"}),
        (2.0, "two\n\n", {"stream": "stdout"}),
        (2.0, "* HEY\n", {"stream": "stdout", "notice": True}),
        (2.0, "three\n", {"stream": "stdout"}),
    ]
    assert transcript.unread == "one\ntwo\n\nthree\n> "


def test_no_pattern_looks_at_empty_lines() -> None:
    looked: list[str] = []

    class Spy:
        groupindex: ClassVar = {"id": 1}

        def search(self, line: str, *_: int) -> None:
            looked.append(line)

    spy = cast("re.Pattern[str]", Spy())
    feed(Transcript("u1", LineKinds(spy, spy, spy)), b"\n\none\n\n")
    assert looked == ["one"] * 3


def test_patterns_look_at_the_beginning_of_a_line_alone() -> None:
    late, early = b"x" * MAX_LINE, b"x" * (MAX_LINE - 2)
    kinds = LineKinds(notice=re.compile(r"\* ?"))
    transcript = Transcript("u1", kinds)
    (event,) = feed(transcript, late + b"* HEY\n")
    assert "notice" not in event.detail
    feed(transcript, early + b"* HEY\n")
    assert transcript.notices == ("* HEY",)


def test_a_line_that_comes_byte_by_byte_is_not_looked_at_for_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked = 0
    is_trace = LineKinds.is_trace

    def counted(self: LineKinds, line: str) -> bool:
        nonlocal looked
        looked += 1
        return is_trace(self, line)

    monkeypatch.setattr(LineKinds, "is_trace", counted)
    feed(pipe(), *[b"x"] * MAX_LINE)
    assert 1 < looked <= 14


# Lines that tell of messages and are for people, too.

VISIBLE = LineKinds(
    notice=re.compile(r"\* .*$"),
    sent=re.compile(r"^to (?P<to>\S+): (?P<text>.*)$"),
    received=re.compile(r"^\* (?P<from>\S+) says (?P<text>.*)$"),
)


def test_a_notice_that_tells_of_a_message_without_an_id_is_both() -> None:
    transcript = Transcript("u1", VISIBLE)
    events = feed(transcript, b"one\n* u2 says HEY\ntwo\n")
    assert events == [
        Event(0.0, Kind.PRINTED, "u1", "one\n", {"stream": "stdout"}),
        Event(0.0, Kind.PRINTED, "u1", "* u2 says HEY\n", {"stream": "stdout", "notice": True}),
        Event(0.0, Kind.RECEIVED, "u1", "HEY", {"id": None, "peer": "u2"}),
        Event(0.0, Kind.PRINTED, "u1", "two\n", {"stream": "stdout"}),
    ]
    assert transcript.notices == ("* u2 says HEY",)
    assert transcript.outputs == 3


def test_a_line_that_tells_of_a_message_without_an_id_stays_in_the_dialogue() -> None:
    transcript = Transcript("u1", VISIBLE)
    events = feed(transcript, b"one\nto u2: HEY\n")
    assert [(event.kind, event.text) for event in events] == [
        (Kind.PRINTED, "one\nto u2: HEY\n"),
        (Kind.SENT, "HEY"),
    ]
    assert transcript.unread == "one\nto u2: HEY\n"


def test_an_open_line_that_tells_of_a_message_without_an_id_is_seen() -> None:
    transcript = Transcript("u1", VISIBLE)
    feed(transcript, b"to u2: HEY")
    assert transcript.outputs == 1


# What is printed and what is seen.


def test_a_line_end_that_comes_after_its_line_is_nothing_new_to_be_seen() -> None:
    transcript = Transcript("u1")
    transcript.printed("stdout", b"one", 1.0)
    before = transcript.outputs
    transcript.printed("stdout", b"\n", 2.0)
    assert transcript.outputs == before
    transcript.printed("stdout", b"\n", 3.0)
    assert transcript.outputs == before + 1


def test_the_end_of_a_line_that_typing_has_cut_is_nothing_new_to_be_seen() -> None:
    transcript = pipe()
    feed(transcript, b"echo one")
    transcript.typed("two", 0.0, secret=False)
    before = transcript.outputs
    feed(transcript, b"\n")
    assert transcript.outputs == before
    feed(transcript, b"\n")
    assert transcript.outputs == before + 1


def test_what_follows_typing_on_a_line_that_it_has_cut_is_seen() -> None:
    transcript = pipe()
    feed(transcript, b"Name: ")
    transcript.typed("u1", 0.0, secret=False)
    before = transcript.outputs
    feed(transcript, b"hello\n")
    assert transcript.outputs == before + 1
