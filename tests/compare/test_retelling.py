"""The comparison of two runs lets go what is another in every run, and nothing else."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from peerlab.compare import retelling
from peerlab.compare.retelling import Lane, Part, retell_network
from peerlab.compare.speech import Speech, speech_of
from peerlab.evidence.journal import Event, Kind
from peerlab.programs import known_programs
from peerlab.scenario.load import load_scenario
from tests.support.journals import deployed, event, exited, printed, started

ALICE, BOB, SERVER = "10.0.0.3", "10.0.0.4", "10.0.0.2"
PROMPT = "Enter number of recipients: "
SPEECH = Speech(
    prompts=(PROMPT,),
    notices=dict.fromkeys(("alice", "bob"), re.compile(r"(\S+ \S+ Received|HEY|YOU|from ).*$")),
    entries=(re.compile(r"'(?P<label>[^']+)': \('(?P<ip>[^']+)', (?P<port>\d+)\)"),),
    served={"server"},
    routers={"nat"},
)


def retell(journal: Sequence[Event], speech: Speech = SPEECH) -> dict[str, Part]:
    return retelling.retell(journal, speech)


def texts(part: Part, what: str) -> list[str]:
    return [told.text for lane in sorted(part) if lane.what == what for told in part[lane]]


def typed(node: str, text: str) -> Event:
    return event(Kind.TYPED, node, text)


def noticed(node: str, text: str) -> Event:
    return event(Kind.PRINTED, node, text, stream="stdout", notice=True)


def message(kind: Kind, node: str, peer: str, text: str, id_: str) -> Event:
    return event(kind, node, text, id=id_, peer=peer)


def lab(alice: str, bob: str, server: str) -> list[Event]:
    return [deployed("server", server), deployed("alice", alice), deployed("bob", bob)]


def chat(
    addresses: tuple[str, str, str], labels: tuple[str, str], port: int, day: str, id_: str
) -> list[Event]:
    alice, bob, server = addresses
    clients = sorted([(labels[0], alice, port), (labels[1], bob, port + 1)])
    listed = ", ".join(f"'{label}': ('{ip}', {number})" for label, ip, number in clients)
    return [
        *lab(*addresses),
        printed("server", "Server listening on 0.0.0.0:12345\n"),
        *(printed("server", f"Accepted connection from ('{ip}', {n})\n") for _, ip, n in clients),
        printed("alice", f"cannot reach {server}:12345\n"),
        typed("alice", "Y"),
        printed("alice", f"Available clients are: {{{listed}}}\n"),
        typed("alice", labels[1]),
        message(Kind.SENT, "alice", bob, "HEY", id_),
        message(Kind.RECEIVED, "bob", alice, "HEY", id_),
        noticed("bob", f"{day} 20:30:00 Received message from {labels[0]}: HEY\n"),
        exited("bob", 0),
    ]


def test_two_runs_that_differ_in_addresses_ports_labels_times_and_ids_are_told_the_same() -> None:
    one = chat((ALICE, BOB, SERVER), ("USER 1", "USER 2"), 40000, "2026-01-31", "0" * 16)
    other = chat(
        ("10.9.0.21", "10.9.0.2", "10.9.0.20"),
        ("USER 10", "USER 2"),
        60998,
        "2025-12-24",
        "fedcba9876543210",
    )
    assert retell(one) == retell(other)

    alice, bob = retell(one)["alice"], retell(one)["bob"]
    assert texts(alice, "typed") == ["Y", "<bob>"]
    assert texts(alice, "printed") == [
        "cannot reach <server>:12345\n",
        "Available clients are: {'<alice>': ('<alice>', <port>), '<bob>': ('<bob>', <port>)}\n",
    ]
    assert texts(alice, "sent") == ["<bob>: HEY"]
    assert texts(bob, "noticed") == ["<time> Received message from <alice>: HEY\n"]


DIFFERENT: dict[str, tuple[list[Event], list[Event]]] = {
    "a word that is printed": ([printed("bob", "Hello you\n")], [printed("bob", "Hello me\n")]),
    "a line end": ([printed("bob", "Hello")], [printed("bob", "Hello\n")]),
    "a stream": (
        [printed("bob", "Hello\n")],
        [event(Kind.PRINTED, "bob", "Hello\n", stream="stderr")],
    ),
    "the order of lines": (
        [typed("bob", "quit"), printed("bob", "one\n"), printed("bob", "two\n")],
        [typed("bob", "quit"), printed("bob", "two\n"), printed("bob", "one\n")],
    ),
    "what is typed": ([typed("bob", "Y")], [typed("bob", "N")]),
    "a notice more": (
        [noticed("bob", "HEY\n")],
        [noticed("bob", "HEY\n"), noticed("bob", "HEY\n")],
    ),
    "the order of one sender's notices": (
        [noticed("bob", f"from {ALICE}: one\n"), noticed("bob", f"from {ALICE}: two\n")],
        [noticed("bob", f"from {ALICE}: two\n"), noticed("bob", f"from {ALICE}: one\n")],
    ),
    "who sent a message": (
        [message(Kind.RECEIVED, "bob", ALICE, "HEY", "1")],
        [message(Kind.RECEIVED, "bob", SERVER, "HEY", "1")],
    ),
    "an address": ([printed("bob", f"{ALICE}\n")], [printed("bob", f"{SERVER}\n")]),
    "a port of the scenario's own": (
        [printed("bob", f"{ALICE}:12345\n")],
        [printed("bob", f"{ALICE}:12346\n")],
    ),
    "a status": ([exited("bob", 0)], [exited("bob", 1)]),
    "who ended it": ([exited("bob", 0)], [exited("bob", 0, by="lab")]),
    "a new start": ([started("bob")], [started("bob"), exited("bob", 0), started("bob")]),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_two_runs_are_told_apart_by(name: str) -> None:
    one, other = ([*lab(ALICE, BOB, SERVER), *events] for events in DIFFERENT[name])
    assert retell(one) != retell(other)


RACES: dict[str, tuple[list[Event], list[Event]]] = {
    "a line typed before its prompt was seen": (
        [typed("bob", "quit"), printed("bob", "LIST AVAILABLE CLIENTS: Y/N\n")],
        [printed("bob", "LIST AVAILABLE CLIENTS: Y/N\n"), typed("bob", "quit")],
    ),
    "notices at an open prompt": (
        [
            printed("bob", f"{PROMPT}\n"),
            noticed("bob", "HEY\n"),
            printed("bob", f"{PROMPT}\n"),
            noticed("bob", "YOU\n"),
            printed("bob", PROMPT),
        ],
        [noticed("bob", "HEY\n"), noticed("bob", "YOU\n"), printed("bob", PROMPT)],
    ),
    "a notice right behind a prompt that was answered before it came": (
        [noticed("bob", f"{PROMPT}2026-01-31 20:30:00 HEY\n")],
        [printed("bob", PROMPT), noticed("bob", "2026-01-31 20:30:00 HEY\n")],
    ),
    "the order of those on a list": (
        [printed("bob", f"{{'A': ('{ALICE}', 1), 'B': ('{BOB}', 2)}}\n")],
        [printed("bob", f"{{'B': ('{BOB}', 2), 'A': ('{ALICE}', 1)}}\n")],
    ),
    "messages of two senders": (
        [
            message(Kind.RECEIVED, "bob", ALICE, "HEY", "1"),
            message(Kind.RECEIVED, "bob", BOB, "YOU", "1"),
        ],
        [
            message(Kind.RECEIVED, "bob", BOB, "YOU", "1"),
            message(Kind.RECEIVED, "bob", ALICE, "HEY", "1"),
        ],
    ),
    "what a server does for two clients": (
        [printed("server", f"from {ALICE}\n"), printed("server", f"from {BOB}\n")],
        [printed("server", f"from {BOB}\n"), printed("server", f"from {ALICE}\n")],
    ),
}


@pytest.mark.parametrize("name", RACES)
def test_two_runs_are_not_told_apart_by(name: str) -> None:
    one, other = ([*lab(ALICE, BOB, SERVER), *events] for events in RACES[name])
    assert retell(one) == retell(other)


def natted(nat: str, ports: tuple[int, int]) -> list[Event]:
    """Alice and Bob are behind one NAT; the server sees both at its address."""
    labelled = dict(zip(("USER 1", "USER 2"), ports, strict=True))
    listed = ", ".join(f"'{label}': ('{nat}', {port})" for label, port in labelled.items())
    return [
        *lab(ALICE, BOB, SERVER),
        *(printed("server", f"Accepted connection from ('{nat}', {port})\n") for port in ports),
        printed("server", f"{nat}:{ports[1]} asks {SERVER}:3478\n"),
        typed("alice", "Y"),
        printed("alice", f"Available clients are: {{{listed}}}\n"),
        typed("alice", "USER 2"),
        message(Kind.SENT, "alice", nat, "HEY", "0" * 16),
        event(Kind.DATAGRAM, "alice", "HEY", to="nat", destination=f"{nat}:{ports[1]}"),
        event(Kind.DATAGRAM, "alice", "?", to=None, destination="10.0.0.255:9"),
        event(Kind.WIRE, "nat", "totals"),
    ]


def test_where_a_nat_is_and_which_ports_it_takes_is_let_go_and_who_is_behind_it_is_not() -> None:
    one, other = natted("192.0.2.1", (40000, 50000)), natted("198.51.100.9", (1024, 6))
    assert retell(one) == retell(other)

    parts = retell(one)
    assert parts.keys() == {"server", "alice", "bob"}
    assert texts(parts["server"], "printed") == [
        "<nat>:<port> asks <server>:3478\n",
        "Accepted connection from ('<nat>', <port>)\n",
        "Accepted connection from ('<nat>', <port>)\n",
    ]
    assert texts(parts["alice"], "printed") == [
        "Available clients are: {'USER 1': ('<nat>', <port>), 'USER 2': ('<nat>', <port>)}\n"
    ]
    assert texts(parts["alice"], "typed") == ["Y", "USER 2"]
    assert texts(parts["alice"], "sent") == ["<nat>: HEY"]


def test_a_label_that_belonged_to_two_nodes_is_told_as_it_is() -> None:
    shown = [printed("bob", f"{{'USER 1': ('{ip}', 40000)}}\n") for ip in (ALICE, BOB)]
    parts = retell([*lab(ALICE, BOB, SERVER), *shown, typed("alice", "USER 1")])
    assert texts(parts["alice"], "typed") == ["USER 1"]


def test_those_behind_one_router_come_in_any_order() -> None:
    def said(*lines: str) -> list[Event]:
        told = Event(0.0, Kind.DATAGRAM, "u1", "", {"to": "nat", "destination": "10.9.0.9:7"})
        return [told, *(printed("server", f"{line}\n") for line in lines)]

    hello, login = "Hello ('10.9.0.9', {})", "Login ('10.9.0.9', {})"
    first = said(hello.format(1), login.format(1), hello.format(2), login.format(2))
    second = said(hello.format(7), hello.format(8), login.format(8), login.format(7))
    assert retell(first)["server"] == retell(second)["server"]
    assert retell(first)["server"] != retell(first[:-1])["server"]


def test_a_router_that_one_of_the_runs_never_tells_is_just_some_router() -> None:
    speech = replace(SPEECH, routers=set(), routed=True)
    told = event(Kind.DATAGRAM, "alice", to="nat", destination="10.9.0.9:7")
    said = printed("server", "Accepted connection from ('10.9.0.9', 1)\n")
    parts = [retell([*lab(ALICE, BOB, SERVER), *ev], speech) for ev in ([said], [told, said])]
    assert parts[0] == parts[1]
    assert texts(parts[0]["server"], "printed") == [
        "Accepted connection from ('<router>', <port>)\n"
    ]


def test_a_message_that_comes_again_is_told_from_one_more_message() -> None:
    def received(*ids: str) -> list[Event]:
        return [message(Kind.RECEIVED, "bob", ALICE, "HEY", id_) for id_ in ids]

    assert retell(received("1", "2")) == retell(received("7", "8"))
    assert retell(received("1", "1")) != retell(received("1", "2"))


def test_a_line_has_the_time_at_which_it_was_printed() -> None:
    def at(moment: float, told: Event) -> Event:
        return replace(told, at=moment)

    journal = [
        at(1, printed("bob", "one\n")),
        at(2, printed("bob", f"{PROMPT}\n")),
        at(3, noticed("bob", "HEY\n")),
        at(4, printed("bob", f"{PROMPT}\n")),
        at(5, exited("bob", 143, by="lab")),
    ]
    lines = retell(journal)["bob"][Lane("printed")]
    # The prompt was interrupted and is one; when the lab ended the program, that ended its line.
    assert [(told.text, told.at) for told in lines] == [("one\n", 1), (PROMPT, 2), ("\n", 5)]


def test_what_became_of_datagrams_is_told_for_each_of_those_they_are_for() -> None:
    def datagram(at: float, to: str, ip: str, fate: str, **detail: object) -> Event:
        about = {"to": to, "destination": f"{ip}:40000", "fate": fate, "delay": at} | detail
        return Event(at, Kind.DATAGRAM, "alice", "x", about)

    sent = [
        datagram(3.0, "bob", BOB, "delivered", by=["step 1 (duplicate: 2)"], copies=2),
        datagram(1.0, "bob", BOB, "dropped", by=["step 1 (drop: 1)"]),
        datagram(2.0, "server", SERVER, "delivered"),
    ]
    (lanes,) = retell_network([*lab(ALICE, BOB, SERVER), *sent], SPEECH).values()
    assert {lane.whom: [told.text for told in lane_] for lane, lane_ in lanes.items()} == {
        "<server>:<port>": ["a datagram to <server>:<port>: delivered"],
        "<bob>:<port>": [
            "a datagram to <bob>:<port>: dropped, by ['step 1 (drop: 1)']",
            "a datagram to <bob>:<port>: delivered, by ['step 1 (duplicate: 2)'], copies 2",
        ],
    }


def test_how_programs_speak_is_taken_from_the_scenario_and_the_runs(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(
        "title: x\nnodes: {server: server, u1: client}\n"
        'steps: [{u1: login}, {u1: {expect: "Yes or no?"}}]\n'
    )
    scenario = load_scenario(path, programs=known_programs())
    shown = printed("u1", "Enter your username: ")
    speech = speech_of(scenario, [[shown], [printed("u1", "LIST AVAILABLE CLIENTS: Y/N\n")]])
    assert speech.prompts == ("Enter your username: ",)
    assert speech.notices["u1"].search(f"{PROMPT}2026-01-31 20:30:00 Received message from x: y")
    assert list(speech.notices) == ["u1"]
    assert set(speech.served) == {"server"}
    assert [entry.groupindex.keys() for entry in speech.entries] == [{"label", "ip", "port"}]
    assert not speech.routed


def test_ids_of_messages_and_seconds_since_1970_have_names_wherever_a_program_prints_them() -> None:
    def run(id_: str, at: str, number: str = "1795816189") -> dict[str, Part]:
        copy = (
            f'trace: dropped id=- text="CHAT/1 {{\\"id\\":\\"{id_}\\",\\"sent\\":{at}}}" {number}\n'
        )
        return retell(
            [
                *lab(ALICE, BOB, SERVER),
                message(Kind.SENT, "alice", BOB, "HEY", id_),
                printed("bob", copy),
            ]
        )

    one, other = run("0123456789abcdef", "1795816189.733"), run("fedcba9876543210", "1795816999.1")
    assert one == other
    assert run("0123456789abcdef", "12.5") != one
