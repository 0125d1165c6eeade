from pathlib import Path

import pytest

from peerlab.checks.verdict import Finding
from peerlab.evidence.journal import Event, Kind
from tests.support.captures import captured_totals, stream, write_capture
from tests.support.judging import IPS, Case, at, known, told

ID = "0723361d02b23b7b"
OTHER = "6b879df14270e6a8"
CLEAR = ("passed", "{} datagrams went where they should, and no message through server")


def sent(node: str, *peers: str, text: str = "Hello you two!", id: str | None = ID) -> list[Event]:  # noqa: A002 - the journal's name
    return [at(1.0, Kind.SENT, node, text, id=id, peer=IPS.get(peer, peer)) for peer in peers]


def datagram(node: str, target: str, payload: str, **detail: object) -> Event:
    destination = f"{IPS.get(target, target)}:4000"
    about = {
        "to": target if target in IPS else None,
        "destination": destination,
        "fate": "delivered",
    }
    return at(2.0, Kind.DATAGRAM, node, payload, **about | detail)


def carrying(message: str, text: str = "Hello you two!") -> str:
    return f'CHAT/1 {{"id":"{message}","from":"USER 1","text":"{text}"}}'


def judge(
    path: Path,
    events: list[Event],
    check: str = "- traffic",
    server: list[bytes] | None = None,
    variables: object = None,
) -> list[Finding]:
    write_capture(path / "run", "server", server or [])
    return Case(path, check).judge([*events, captured_totals(path / "run")], variables)


HELLO = carrying(ID)

RIGHT = {
    "to whom it was sent": [*sent("alice", "bob"), datagram("alice", "bob", HELLO)],
    "told after its datagram": [datagram("alice", "bob", HELLO), *sent("alice", "bob")],
    "to all whom it was sent to": [
        *sent("alice", "bob", "carol"),
        datagram("alice", "bob", HELLO),
        datagram("alice", "carol", HELLO),
    ],
    "lost": [*sent("alice", "bob"), datagram("alice", "bob", HELLO, fate="dropped")],
    "to the address of a NAT": [
        *sent("alice", "192.0.2.1"),
        datagram("alice", "192.0.2.1", HELLO, to="nat-b"),
    ],
    "to a label": [*sent("alice", "USER 2"), datagram("alice", "bob", HELLO)],
    "to a label that nobody knows": [*sent("alice", "USER 9"), datagram("alice", "carol", HELLO)],
    "what else goes to whom there is a message for": [
        *sent("alice", "bob"),
        datagram("alice", "bob", "probe"),
    ],
    "what goes to no node": [*sent("alice", "bob"), datagram("alice", "10.9.0.255", "who?")],
    "told once more elsewhere": [
        *sent("alice", "bob"),
        datagram("alice", "carol", HELLO, cable="carol"),
    ],
    "without an id": [
        *sent("alice", "bob", id=None, text='a "quoted" text'),
        datagram("alice", "bob", r'{"text":"a \"quoted\" text"}'),
    ],
    "a short id that is a number elsewhere": [
        *sent("alice", "bob", id="1", text="first message"),
        *sent("alice", "carol", id="2", text="other message"),
        datagram("alice", "carol", "id 2 from USER 1: other message"),
    ],
    "an id that is the beginning of another": [
        *sent("alice", "bob", id="message-1", text="one"),
        *sent("alice", "carol", id="message-12", text="twelve"),
        datagram("alice", "carol", "message-12: twelve"),
    ],
    "one message says what another does": [
        *sent("alice", "bob", text="Good morning"),
        *sent("bob", "carol", text="Good morning", id=OTHER),
        datagram("bob", "carol", carrying(OTHER, "Good morning")),
    ],
}


@pytest.mark.parametrize("events", RIGHT.values(), ids=RIGHT)
def test_what_goes_to_whom_it_is_for_is_right(tmp_path: Path, events: list[Event]) -> None:
    count = sum(e.kind is Kind.DATAGRAM and "cable" not in e.detail for e in events)
    variables = known(bob={"label": "USER 2"})
    found = judge(tmp_path, events, variables=variables)
    assert told(found) == [(CLEAR[0], CLEAR[1].format(count))]


WRONG = {
    "to one more": (
        [
            *sent("alice", "bob"),
            datagram("alice", "bob", HELLO),
            datagram("alice", "carol", HELLO),
        ],
        "at 2.000 s alice sent message 'Hello you two!' to carol, too, for whom it was not",
    ),
    "to one more, and lost": (
        [
            *sent("alice", "bob"),
            datagram("alice", "bob", HELLO),
            datagram("alice", "carol", HELLO, fate="dropped"),
        ],
        "at 2.000 s alice sent message 'Hello you two!' to carol, too, for whom it was not",
    ),
    "without an id": (
        [
            *sent("alice", "bob", id=None),
            datagram("alice", "bob", "Hello you two!"),
            datagram("alice", "carol", "Hello you two!"),
        ],
        "at 2.000 s alice sent message 'Hello you two!' to carol, too, for whom it was not",
    ),
    "sent on": (
        [
            *sent("alice", "bob"),
            datagram("alice", "bob", HELLO),
            datagram("bob", "carol", HELLO),
        ],
        "at 2.000 s bob sent message 'Hello you two!' of alice on to carol, for whom it was not",
    ),
    "to one more, glued to a letter": (
        [
            *sent("alice", "bob"),
            datagram("alice", "bob", HELLO),
            datagram("alice", "carol", f"M{ID}M"),
        ],
        "at 2.000 s alice sent message 'Hello you two!' to carol, too, for whom it was not",
    ),
    "to the server, glued to a letter": (
        [
            *sent("alice", "bob"),
            datagram("alice", "bob", HELLO),
            datagram("alice", "server", "MHello you two!"),
        ],
        "at 2.000 s alice sent message 'Hello you two!' to server, which it was not for",
    ),
    "to a third one": (
        [
            *sent("alice", "bob"),
            datagram("alice", "bob", HELLO),
            datagram("alice", "carol", "psst"),
        ],
        "at 2.000 s alice sent a datagram to carol, for whom it had no message",
    ),
    "through the server": (
        [
            *sent("alice", "bob"),
            datagram("alice", "bob", HELLO),
            datagram("server", "bob", HELLO),
        ],
        "at 2.000 s server passed message 'Hello you two!' of alice on to bob",
    ),
    "to the server": (
        [
            *sent("alice", "bob"),
            datagram("alice", "bob", HELLO),
            datagram("alice", "server", "the text Hello you two! without its id"),
        ],
        "at 2.000 s alice sent message 'Hello you two!' to server, which it was not for",
    ),
}


@pytest.mark.parametrize(("events", "message"), WRONG.values(), ids=WRONG)
def test_what_goes_to_anybody_else_is_wrong(
    tmp_path: Path, events: list[Event], message: str
) -> None:
    (finding,) = judge(tmp_path, events)
    assert told([finding]) == [("failed", message)]
    assert finding.proof == events[-1].text
    assert finding.share == 0.5


def test_pairs_that_are_allowed_to_may_exchange_anything_but_messages(tmp_path: Path) -> None:
    check = "- traffic: {allow: [[alice, server], [bob, carol]]}"
    fine = [
        *sent("alice", "bob"),
        datagram("alice", "server", "binding request"),
        datagram("server", "alice", "binding answer"),
        datagram("carol", "bob", "keep-alive"),
    ]
    assert told(judge(tmp_path, fine, check)) == [(CLEAR[0], CLEAR[1].format(3))]
    (finding,) = judge(tmp_path, [*fine, datagram("bob", "carol", HELLO)], check)
    assert "bob sent message 'Hello you two!' of alice on to carol" in finding.message


CLIENT, SERVER = 2, 1
THROUGH = {
    "its id, glued to a letter": (b"SEND M0723361d", b"02b23b7bx"),
    "its text, glued to a letter": (b"SEND MHello you", b" two!_"),
    "its id": (b'SEND {"id":"0723361d', b'02b23b7b"}\n'),
    "its text": (b'SEND "Hello you', b' two!"\n'),
}


@pytest.mark.parametrize("pieces", THROUGH.values(), ids=THROUGH)
@pytest.mark.parametrize("ends", [(CLIENT, SERVER), (SERVER, CLIENT)])
def test_a_message_in_what_the_server_says_by_tcp_is_found_across_segments(
    tmp_path: Path, ends: tuple[int, int], pieces: tuple[bytes, ...]
) -> None:
    events = [*sent("alice", "bob"), datagram("alice", "bob", HELLO)]
    (finding,) = judge(tmp_path, events, server=stream(ends, *pieces))
    assert told([finding]) == [
        ("failed", "message 'Hello you two!' of alice went through server by TCP")
    ]
    assert finding.node == "server"
    assert "SEND" in finding.proof
    assert finding.share == 0.5


def test_the_proof_of_what_went_through_the_server_has_no_password_in_it(tmp_path: Path) -> None:
    line = b'LOGIN "CSC3@A1" SEND "Hello you two!"\n'
    events = sent("alice", "bob")
    (finding,) = judge(tmp_path, events, server=stream((CLIENT, SERVER), line))
    assert finding.proof == 'LOGIN "********" SEND "Hello you two!"\n'


def test_a_text_that_may_come_by_chance_is_not_looked_for_at_the_server(tmp_path: Path) -> None:
    events = [*sent("alice", "bob", text="USER 2"), datagram("alice", "bob", HELLO)]
    names = stream((SERVER, CLIENT), b'{"clients":{"USER 2":["10.9.0.3",4000]}}\n')
    assert told(judge(tmp_path, events, server=names)) == [(CLEAR[0], CLEAR[1].format(1))]


def test_a_message_to_the_server_itself_may_go_there(tmp_path: Path) -> None:
    events = [*sent("alice", "server"), datagram("alice", "server", HELLO)]
    assert judge(tmp_path, events, server=stream((CLIENT, SERVER), HELLO.encode()))[0].outcome == (
        "passed"
    )


def test_the_programs_that_no_message_may_pass_through_can_be_named(tmp_path: Path) -> None:
    events = [*sent("alice", "bob"), datagram("alice", "bob", HELLO)]
    write_capture(tmp_path / "run", "alice", [])
    write_capture(tmp_path / "run", "bob", [])
    write_capture(tmp_path / "run", "carol", stream((4, 3), HELLO.encode()))
    (finding,) = judge(tmp_path, events, "- traffic: {relays: [client]}")
    assert told([finding]) == [
        ("failed", "message 'Hello you two!' of alice went through carol by TCP")
    ]


def test_without_a_capture_of_the_server_it_is_unknown_what_went_through_it(
    tmp_path: Path,
) -> None:
    events = [*sent("alice", "bob"), datagram("alice", "bob", HELLO)]
    assert told(Case(tmp_path, "- traffic").judge(events)) == [
        ("unknown", "there is no capture of server: the backend made none")
    ]


def test_a_capture_that_ended_early_makes_it_unknown(tmp_path: Path) -> None:
    write_capture(tmp_path / "run", "server", [])
    why = {"server": "the capture has reached its limit"}
    events = [*sent("alice", "bob"), captured_totals(tmp_path / "run", captures=why)]
    assert told(Case(tmp_path, "- traffic").judge(events)) == [
        ("unknown", "the capture of server is not whole: the capture has reached its limit")
    ]


def test_a_capture_of_the_server_that_was_cut_short_makes_it_unknown(tmp_path: Path) -> None:
    write_capture(tmp_path / "run", "server", stream((CLIENT, SERVER), b"SEND ", HELLO.encode()))
    totals = captured_totals(tmp_path / "run")
    write_capture(tmp_path / "run", "server", [])
    events = [*sent("alice", "bob"), datagram("alice", "bob", HELLO), totals]
    (finding,) = Case(tmp_path, "- traffic").judge(events)
    assert finding.outcome == "unknown"
    assert "it has 0 frames, and the wire told of 3" in finding.message


def test_where_nobody_saw_the_network_nothing_can_be_said(tmp_path: Path) -> None:
    assert told(Case(tmp_path, "- traffic").judge(sent("alice", "bob"))) == [
        ("unknown", "the network was not seen: there is no wire that tells what passed")
    ]


def test_where_no_message_was_sent_nothing_can_be_said(tmp_path: Path) -> None:
    assert told(judge(tmp_path, [datagram("alice", "bob", "hi")])) == [
        ("unknown", "no node reported a message, so nothing can be said of any")
    ]


def test_of_many_that_are_wrong_ten_are_told_and_the_others_counted(tmp_path: Path) -> None:
    events = [*sent("alice", "bob"), *[datagram("alice", "carol", HELLO)] * 12]
    found = judge(tmp_path, events)
    assert len(found) == 11
    assert found[-1].message == "2 more went where they should not"
