import io
import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from services.client.book import MAX_TRUSTED, MAX_TRUSTED_EACH, MAX_UNKNOWN, AddressBook
from services.client.peer import Peer, describe
from services.client.screen import Screen
from services.client.seals import Seals
from services.datagram import NONCE, ChatMessage, format_datagram
from services.media.orders import PlayTone
from services.media.rtcp import ReceiverReport, parse_compound
from services.media.rtp import is_rtcp
from services.punch import Hole
from services.seal import seal
from services.stun import Kind, claim, format_stun, parse_stun
from services.values import Address
from tests.services.media.streams import SSRC, datagrams, outgoing
from tests.services.running import DEADLINE

SOURCE = ("10.201.0.3", 40211)
SENT = 1795365840.0
ARRIVAL = SENT + 60
NOWHERE = (("127.0.0.1", 9),)


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

    def __init__(self, clients: dict[str, tuple[str, int]] | None, round_trip: float = 0.0) -> None:
        self.now = 0.0
        self.round_trip = round_trip
        self.questions = 0
        self.clients = clients
        self.book = AddressBook(self._asked, lambda: self.now)

    def _asked(self) -> None:
        self.questions += 1
        self.now += self.round_trip
        if self.clients is not None:
            self._answer(self.clients)

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


def test_a_flood_from_many_addresses_is_not_passed_on_to_the_server() -> None:
    server = Answering({})
    for port in range(1, 1001):
        server.book.label_of(("10.201.0.66", port))

    assert server.questions == MAX_UNKNOWN
    server.now += 1.0
    server.book.label_of(SOURCE)
    assert server.questions == MAX_UNKNOWN + 1


def test_after_a_stranger_others_are_not_held_up_for_as_long_as_the_question_took() -> None:
    server = Answering({}, round_trip=0.1)
    for port in range(1, 1001):
        server.book.label_of(("10.201.0.66", port))

    assert server.questions == 1
    server.now += 0.11
    server.book.label_of(SOURCE)
    assert server.questions == 2


def test_no_question_waits_after_one_about_somebody_on_the_list() -> None:
    server = Answering({"USER 1": SOURCE}, round_trip=0.1)

    assert server.book.label_of(SOURCE) == "USER 1"
    server.clients = {"USER 1": SOURCE, "USER 2": ("10.201.0.4", 40211)}
    assert server.book.label_of(("10.201.0.4", 40211)) == "USER 2"


def test_after_the_server_has_come_back_it_is_asked_again() -> None:
    server = Answering({"USER 1": SOURCE})
    server.book.close()
    assert server.book.label_of(SOURCE) is None
    server.book.reopen()

    assert server.book.label_of(SOURCE) == "USER 1"


def test_a_silent_server_holds_up_one_message_and_no_second_question_is_asked() -> None:
    server = Answering(None)

    assert server.book.label_of(SOURCE) is None
    assert server.book.label_of(("10.201.0.4", 40211)) is None
    assert server.questions == 1
    server.book.learn({"USER 1": SOURCE}, looked_up=True)
    assert server.book.label_of(SOURCE) == "USER 1"


def test_an_address_that_has_proved_whose_it_is_is_not_asked_about() -> None:
    server = Answering(None)
    server.book.trust("USER 2", SOURCE)

    assert server.book.label_of(SOURCE) == "USER 2"
    server.book.trust("USER 3", SOURCE)
    assert server.book.label_of(SOURCE) == "USER 3"
    assert server.questions == 0


def test_no_proof_goes_before_the_list() -> None:
    server = Answering(None)
    server.book.learn({"USER 1": SOURCE}, looked_up=False)
    server.book.trust("USER 2", SOURCE)

    assert server.book.label_of(SOURCE) == "USER 1"


def test_only_so_many_proofs_are_remembered() -> None:
    server = Answering(None)
    server.book.close()
    for number in range(1, MAX_TRUSTED + 2):
        server.book.trust(f"USER {number}", ("10.201.0.66", number))

    assert server.book.label_of(("10.201.0.66", 1)) is None
    assert server.book.label_of(("10.201.0.66", 2)) == "USER 2"


def test_no_peer_pushes_out_the_proofs_of_another_one() -> None:
    server = Answering(None)
    server.book.close()
    server.book.trust("USER 1", SOURCE)
    for port in range(1, MAX_TRUSTED + 1):
        server.book.trust("USER 2", ("10.201.0.66", port))

    assert server.book.label_of(SOURCE) == "USER 1"
    first_kept = MAX_TRUSTED - MAX_TRUSTED_EACH + 1
    assert server.book.label_of(("10.201.0.66", first_kept - 1)) is None
    assert server.book.label_of(("10.201.0.66", first_kept)) == "USER 2"


def test_after_a_new_login_no_earlier_proof_holds() -> None:
    server = Answering({"USER 2": ("10.201.0.66", 1)})
    server.book.trust("USER 2", SOURCE)
    server.book.reopen()

    assert server.book.label_of(SOURCE) is None
    server.book.trust("USER 3", SOURCE)
    assert server.book.label_of(SOURCE) == "USER 3"


def test_after_the_server_has_gone_nobody_is_asked_and_what_is_known_stays() -> None:
    server = Answering(None)
    server.book.learn({"USER 1": SOURCE}, looked_up=False)
    server.book.close()

    assert server.book.label_of(SOURCE) == "USER 1"
    assert server.book.label_of(("10.201.0.4", 40211)) is None
    assert server.questions == 0


def test_what_is_forgotten_is_asked_about_again() -> None:
    server = Answering({"USER 3": SOURCE})
    server.book.learn({"USER 1": SOURCE}, looked_up=False)
    server.book.trust("USER 2", ("10.201.0.66", 1))

    assert server.book.forget() == {SOURCE: "USER 1", ("10.201.0.66", 1): "USER 2"}
    assert server.book.label_of(SOURCE) == "USER 3"
    assert server.book.forget() == {SOURCE: "USER 3"}
    assert server.questions == 1


def test_streams_leave_from_the_latest_address_and_their_answers_from_where_they_came_to() -> None:
    printed = io.StringIO()
    book = AddressBook(lambda: None)
    peer = Peer(book, Screen(printed, printed, trace=False), lambda: None, None, 15.0)
    anywhere = ("127.0.0.1", 0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(anywhere)
        other.settimeout(DEADLINE)
        there = {"USER 1": other.getsockname()}
        book.learn(there, looked_up=False)
        try:
            peer.open(anywhere, anywhere)
            peer.play(PlayTone(0.1), there)
            _, first = other.recvfrom(2000)
            peer.open(anywhere, anywhere)
            peer.play(PlayTone(0.1), there)
            latest = first
            while latest == first:
                _, latest = other.recvfrom(2000)
            stream = outgoing()
            for data in (*datagrams(2, stream), stream.report(0.0, last=True)):
                other.sendto(data, first)
            report, source = None, latest
            while not isinstance(report, ReceiverReport):
                data, source = other.recvfrom(2000)
                report = parse_compound(data)[0] if is_rtcp(data) else None
        finally:
            peer.close()

    assert source == first
    assert [block.ssrc for block in report.blocks] == [SSRC]
    assert "Audio from USER 1 ended: 0.0 s, 2 packets, lost 0" in printed.getvalue()
    assert "Suspicious" not in printed.getvalue()


class Watched(io.StringIO):
    """Output that can be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self._changed = threading.Condition()

    def write(self, text: str) -> int:
        with self._changed:
            written = super().write(text)
            self._changed.notify_all()
            return written

    def says(self, text: str) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: text in self.getvalue(), DEADLINE), text


class Slow(Seals):
    """Seals that open everything, while the address goes over to somebody else."""

    def __init__(self, book: AddressBook) -> None:
        super().__init__(lambda: None, bytes, 1)
        self._book = book

    def open(self, datagram: bytes, sender: str | None, source: Address) -> bytes:
        self._book.learn({"USER 3": source}, looked_up=False)
        return super().open(datagram, sender, source)


def test_what_is_sealed_is_of_who_has_sealed_it_though_the_list_changes_meanwhile() -> None:
    printed = Watched()
    book = AddressBook(lambda: None)
    seals = Slow(book)
    seals.log_in("USER 1", {})
    seals.learn("USER 2", bytes(32))
    peer = Peer(book, Screen(printed, printed, trace=False), lambda: None, None, 15.0, seals)
    anywhere = ("127.0.0.1", 0)
    sealed = seal(
        chat("HELLO").replace(b"USER 9", b"USER 2"), bytes(32), bytes(NONCE), "USER 2", "USER 1"
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(anywhere)
        book.learn({"USER 2": other.getsockname()}, looked_up=False)
        try:
            peer.open(anywhere, anywhere)
            other.sendto(sealed, peer._sockets[-1].getsockname())
            printed.says("HELLO\n")
        finally:
            peer.close()

    assert printed.getvalue() == "2026-11-22 16:44:00 Received message from USER 2: HELLO\n"


def test_stun_is_never_shown_and_only_a_check_with_the_right_key_is_answered() -> None:
    printed = Watched()
    book = AddressBook(lambda: None)
    book.close()
    peer = Peer(book, Screen(printed, printed, trace=False), lambda: None, None, 15.0)
    anywhere = ("127.0.0.1", 0)
    hole = Hole(
        "USER 2", asked=False, username="0" * 16, password="secret", addresses=NOWHERE, nat=None
    )
    check, forged = (
        format_stun(Kind.REQUEST, number * 12, [claim(hole.received_as)], key=key)
        for number, key in ((b"1", b"secret"), (b"2", b"guess"))
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(anywhere)
        other.settimeout(DEADLINE)
        try:
            peer.open(anywhere, anywhere)
            here = peer._sockets[-1].getsockname()
            # What comes before any hole was spoken of means nothing.
            for data in (format_stun(Kind.REQUEST, bytes(12)), chat("FIRST")):
                other.sendto(data, here)
            printed.says("FIRST")
            peer.punch(hole)
            for data in (format_stun(Kind.REQUEST, bytes(12)), forged, check[:-1], check):
                other.sendto(data, here)
            answers = [parse_stun(other.recv(1000)), parse_stun(other.recv(1000))]
            other.sendto(
                chat("SECOND").replace(b"9f86", b"9f87").replace(b"USER 9", b"USER 2"), here
            )
            printed.says("SECOND")
            printed.says("Suspicious datagrams: 1 forged.\n")
        finally:
            peer.close()

    response, own_check = sorted(answers, key=lambda message: -message.kind)
    assert (response.kind, response.transaction) == (Kind.RESPONSE, b"1" * 12)
    assert response.is_signed_by(b"secret")
    assert (own_check.kind, own_check.username) == (Kind.REQUEST, hole.sent_as)
    assert [line[20:] for line in printed.getvalue().splitlines() if "Received" in line] == [
        "Received message from 127.0.0.1: FIRST",
        "Received message from USER 2: SECOND",
    ]
    assert len(printed.getvalue().splitlines()) == 3
