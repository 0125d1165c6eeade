"""What reads foreign bytes, without sockets: nothing but the errors that it names may come out."""

import io
from contextlib import suppress
from typing import Final

from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.client.actions import Action, Dial, End, HangUp, Question, SendRequest, Show
from services.client.guard import Guard
from services.client.peer import describe
from services.datagram import TAG
from services.lines import MAX_LINE, LineReader
from services.media.incoming import Incoming
from services.media.rtcp import Element, format_compound, parse_compound
from services.media.rtp import PacketError, parse_packet
from services.protocol import parse_reply, parse_request
from services.server.console import Console
from services.server.conversation import Caller, Conversation
from services.server.registry import Registry
from services.server.rendezvous import Rendezvous
from services.values import ProtocolError
from tests.fuzz.replies import REPLIES
from tests.fuzz.sessions import REQUESTS
from tests.services.dialogue import session
from tests.services.media.streams import datagrams
from tests.support.hostile import BOMBS
from tests.support.watched import CLIENT_LINES, PLAIN_LINES

SOURCE: Final = ("127.0.0.1", 9)
SOUND: Final = datagrams(40)
at_length: Final = settings(max_examples=300)

bombs: Final = st.sampled_from(BOMBS)


def bent(*originals: bytes) -> st.SearchStrategy[bytes]:
    """Real lines or datagrams, with a part of them replaced by something else."""
    return st.builds(
        lambda real, begin, length, other: real[:begin] + other + real[begin + length :],
        st.sampled_from(originals),
        st.integers(0, 80),
        st.integers(0, 8),
        st.one_of(st.just(b""), st.binary(max_size=8), bombs),
    )


@at_length
@given(
    pieces=st.lists(st.one_of(st.sampled_from(REQUESTS), bent(*REQUESTS), st.binary()), max_size=8)
)
def test_the_server_answers_whatever_comes_with_lines_of_the_grammar(pieces: list[bytes]) -> None:
    printed = io.StringIO()
    registry = Registry()
    conversation = Conversation(
        Caller(SOURCE, lambda _: True),
        Rendezvous(registry, bytes, lambda: 0.0),
        "CSC3@A1",
        Console(printed, printed),
        longest_username=32,
        hold_back=lambda: None,
    )
    reader = LineReader()
    for line in (line for piece in pieces for line in reader.feed(piece)):
        if conversation.is_over():
            break
        for answer in conversation.answer(line).splitlines(keepends=True):
            assert len(answer) <= MAX_LINE
            parse_reply(answer.decode().removesuffix("\n"))
    assert set(registry.client_addresses) <= {"USER 1"}
    assert printed.getvalue() in {"", f"Authentication successful for {SOURCE}\n"}
    conversation.end()
    assert registry.client_addresses == {}


class Dialogue:
    """A client's dialogue with a server and a person that have lost their minds."""

    def __init__(self) -> None:
        self.session = session(stay=True)
        self.reader = LineReader()
        self.has_connection = True
        self.ended = False
        self.perform(self.session.start())

    def perform(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Show(text):
                    assert PLAIN_LINES.fullmatch(text), text
                case SendRequest(_, data):
                    parse_request(data.decode().removesuffix("\n"))
                case HangUp():
                    self.has_connection = False
                case Dial():
                    self.reader = LineReader()
                    self.has_connection = True
                    self.perform(self.session.connected())
                case End():
                    self.ended = True
                case _:
                    pass

    def say(self, line: str) -> None:
        if self.session.awaits_input and not self.ended:
            self.perform(self.session.line_typed(line))

    def answer(self, data: bytes) -> None:
        for line in self.reader.feed(data):
            if not self.has_connection or self.ended:
                return
            try:
                if isinstance(line, ProtocolError):
                    raise line
                reply = parse_reply(line)
            except ProtocolError as error:
                self.perform(self.session.server_gone(f"it is not understood ({error})"))
                return
            self.perform(self.session.reply_arrived(reply))


typed: Final = st.one_of(
    st.sampled_from(["Y", "N", "1", "2", "USER 1", "USER 2", "/peer USER 2", "hello", "/call 1"]),
    st.text(max_size=20).map(lambda text: text.replace("\n", "")),
)
answered: Final = st.one_of(
    st.sampled_from(REPLIES), bent(*REPLIES).map(lambda reply: reply + b"\n"), st.binary()
)


@at_length
@given(events=st.lists(st.one_of(typed, answered), max_size=40))
@example(events=["U1", "pw", REPLIES[0], "Y", *[REPLIES[2]] * 200, "1"])
def test_the_dialogue_bears_whatever_a_server_answers(events: list[str | bytes]) -> None:
    dialogue = Dialogue()
    for event in ["U1", "pw", REPLIES[0], *events]:
        if isinstance(event, str):
            dialogue.say(event)
        else:
            dialogue.answer(event)
    if not dialogue.ended:
        dialogue.perform(dialogue.session.input_ended())
    assert dialogue.ended


MESSAGE: Final = TAG + b'{"id":"m1","from":"USER 1","sent":1795365840.25,"text":"HELLO"}'


@at_length
@given(data=st.one_of(bent(MESSAGE), st.binary(), st.binary().map(TAG.__add__), bombs))
def test_a_datagram_that_is_shown_is_one_harmless_line(data: bytes) -> None:
    guard = Guard(lambda: 0.0)
    if guard.admits(data, SOURCE):
        guard.compare(data, "USER 1", lambda _: True)
        shown, traced = describe(data, SOURCE, "USER 1", 1795365840.0)
        assert CLIENT_LINES.fullmatch(shown)
        assert traced.isascii()
        assert traced.isprintable()


moments: Final = st.floats(0, 1e6)


@at_length
@given(
    heard=st.lists(st.tuples(st.one_of(st.sampled_from(SOUND), bent(*SOUND), st.binary()), moments))
)
def test_a_stream_bears_whatever_comes_after_its_beginning(
    heard: list[tuple[bytes, float]],
) -> None:
    stream = Incoming(parse_packet(SOUND[0]), SOURCE, 0.0)
    for data, at in sorted(heard, key=lambda pair: pair[1]):
        with suppress(PacketError):
            take(stream, data, at)
        stream.take(at)
        format_compound(stream.report(7, "127.0.0.1:9", at, last=False))
    stream.finish()
    assert stream.figures.received <= len(heard)


def take(stream: Incoming, data: bytes, at: float) -> None:
    elements: list[Element] = []
    with suppress(PacketError):
        elements = parse_compound(data)
    for element in elements:
        stream.hear(element, at)
    stream.put(parse_packet(data), at)


def test_the_questions_of_a_client_are_those_that_the_lines_of_a_watched_one_allow() -> None:
    assert CLIENT_LINES.fullmatch(
        Question.USERNAME.value + Question.PASSWORD.value + "Authentication successful!"
    )
    assert CLIENT_LINES.fullmatch(Question.LIST.value.removesuffix("\n"))
