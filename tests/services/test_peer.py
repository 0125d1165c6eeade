import json
import threading
import time
from collections.abc import Iterator

import pytest

from services.client.peer import AddressBook, describe
from services.datagram import ChatMessage, format_datagram

SOURCE = ("10.201.0.3", 40211)
SENT = 1795365840.0
ARRIVAL = SENT + 60


@pytest.fixture(autouse=True)
def _in_one_time_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def chat(text: str, sent: float | None = SENT) -> bytes:
    return format_datagram(ChatMessage("9f86d081884c7d65", "USER 9", sent, text))


@pytest.mark.parametrize(
    ("data", "label", "shown"),
    [
        (chat("HELLO"), "USER 1", "2026-11-22 16:44:00 Received message from USER 1: HELLO"),
        (chat("HELLO"), None, "2026-11-22 16:44:00 Received message from 10.201.0.3: HELLO"),
        (chat("H", None), "USER 1", "2026-11-22 16:45:00 Received message from USER 1: H"),
        (chat("a\nb\x1b"), "USER 1", r"2026-11-22 16:44:00 Received message from USER 1: a\nb\x1b"),
        (b"hi\xff\n", "USER 1", r"2026-11-22 16:45:00 Received message from USER 1: hi\xff\n"),
        (b"", None, "2026-11-22 16:45:00 Received message from 10.201.0.3: "),
    ],
)
def test_a_datagram_is_shown_with_its_time_and_the_servers_name_for_its_source(
    data: bytes, label: str | None, shown: str
) -> None:
    assert describe(data, SOURCE, label, ARRIVAL)[0] == shown


def test_a_long_datagram_of_another_format_is_shown_in_part() -> None:
    shown, _ = describe(b"x" * 60000, SOURCE, None, ARRIVAL)

    assert shown.endswith("x... (58800 more)")
    assert len(shown) < 1300


@pytest.mark.parametrize(
    ("data", "message_id", "text"),
    [
        (chat("HELLO"), "9f86d081884c7d65", "HELLO"),
        (chat('"\n\u2028\U0001f600'), "9f86d081884c7d65", '"\n\u2028\U0001f600'),
        (b"hi\xff\n", "-", "hi\\xff\n"),
    ],
)
def test_the_trace_line_is_one_line_of_ascii_with_the_text_as_json(
    data: bytes, message_id: str, text: str
) -> None:
    _, traced = describe(data, SOURCE, "USER 1", ARRIVAL)
    head, _, tail = traced.partition(" text=")

    assert head == f"received id={message_id} from=10.201.0.3:40211"
    assert json.loads(tail) == text
    assert traced.isascii()
    assert traced.isprintable()


class Answering:
    """An address book whose server answers every question at once, or never."""

    def __init__(self, clients: dict[str, tuple[str, int]] | None) -> None:
        self.now = 0.0
        self.questions = 0
        self.clients = clients
        self.book = AddressBook(self._asked, lambda: self.now)

    def _asked(self) -> None:
        self.questions += 1
        if self.clients is not None:
            threading.Thread(target=self._answer, args=(self.clients,)).start()

    def _answer(self, clients: dict[str, tuple[str, int]]) -> None:
        assert self.book.take_question()
        self.book.learn(clients, looked_up=True)


def test_an_address_that_is_known_is_not_asked_about() -> None:
    server = Answering(None)
    server.book.learn({"USER 1": SOURCE}, looked_up=False)

    assert server.book.label_of(SOURCE) == "USER 1"
    assert server.questions == 0


def test_an_address_that_is_not_known_is_asked_about() -> None:
    server = Answering({"USER 1": SOURCE})

    assert server.book.label_of(SOURCE) == "USER 1"
    assert server.questions == 1
    assert not server.book.take_question()


def test_an_address_that_the_server_does_not_know_is_left_alone_for_a_second() -> None:
    server = Answering({})

    assert server.book.label_of(SOURCE) is None
    assert server.book.label_of(SOURCE) is None
    assert server.questions == 1
    server.now += 1.0
    assert server.book.label_of(SOURCE) is None
    assert server.questions == 2
    assert server.book.label_of(("10.201.0.4", 40211)) is None
    assert server.questions == 3


def test_a_silent_server_holds_up_one_message_and_no_second_question_is_asked() -> None:
    server = Answering(None)

    assert server.book.label_of(SOURCE) is None
    assert server.book.label_of(("10.201.0.4", 40211)) is None
    assert server.questions == 1
    server.book.learn({"USER 1": SOURCE}, looked_up=True)
    assert server.book.label_of(SOURCE) == "USER 1"


def test_after_the_server_has_gone_nobody_is_asked_and_what_is_known_stays() -> None:
    server = Answering(None)
    server.book.learn({"USER 1": SOURCE}, looked_up=False)
    server.book.close()

    assert server.book.label_of(SOURCE) == "USER 1"
    assert server.book.label_of(("10.201.0.4", 40211)) is None
    assert server.questions == 0
