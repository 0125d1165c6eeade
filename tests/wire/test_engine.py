"""The loop on pairs of local sockets, each of which stands for a node's cable."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

import pytest

from peerlab.wire import control, engine
from peerlab.wire.checksum import checksums_hold
from peerlab.wire.packet import ACK, RST, SYN
from peerlab.wire.ports import Port
from tests.wire import frames
from tests.wire.captures import captured

DEADLINE = 20.0
ROOT = Path(__file__).parents[2]

Record = dict[str, object]


class Wire:
    """A wire at work, with nodes 1, 2 and 3 of names u1, u2 and u3."""

    def __init__(self, limit: int, captures: Mapping[tuple[str, str], FileIO]) -> None:
        pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(3)]
        self.nodes = {number: ours for number, (ours, _) in enumerate(pairs, 1)}
        self._told: list[Record] = []
        self.ends = [theirs for _, theirs in pairs]
        self.runner, self._control = socket.socketpair()
        for node in (*self.nodes.values(), self.runner):
            node.settimeout(DEADLINE)
        for end in self.ends:
            end.settimeout(0)
        self.ports = [
            Port(f"u{number}", frames.mac(number), frames.address(number), end)
            for number, end in enumerate(self.ends, 1)
        ]
        self._thread = threading.Thread(
            target=self._run, args=(self.ports, limit, captures), daemon=True
        )
        self._thread.start()

    def send(self, node: int, *sent: bytes) -> None:
        for frame in sent:
            self.nodes[node].send(frame)

    def got(self, node: int) -> bytes:
        """The next frame that a node gets."""
        return self.nodes[node].recv(70_000)

    def nothing_for(self, node: int) -> bool:
        """Whether a node has got all that there will be; only after the end."""
        self.nodes[node].settimeout(0)
        try:
            self.got(node)
        except BlockingIOError:
            return True
        return False

    def ask(self, **command: object) -> Record:
        """Have it do something; its answer."""
        self.runner.sendall(json.dumps({**command, "reply": 5}).encode() + b"\n")
        told: Record = {}
        while told.get("record") != "done":
            line = b""
            while not line.endswith(b"\n"):
                line += self.runner.recv(1)
            told = json.loads(line)
            self._told.append(told)
        assert self._told.pop()["reply"] == 5
        return told

    def end(self) -> list[Record]:
        """End the wire; all records that it wrote, the totals last."""
        self.runner.sendall(b'{"command": "end"}\n')
        with self.runner.makefile() as lines:
            records = self._told + [json.loads(line) for line in lines]
        self.wait()
        assert records[-1]["record"] == "totals"
        return records

    def wait(self) -> None:
        self._thread.join(DEADLINE)
        assert not self._thread.is_alive()

    def close(self) -> None:
        self.runner.close()
        self.wait()
        for end in (*self.nodes.values(), *self.ends):
            end.close()

    def _run(
        self,
        ports: Sequence[Port],
        limit: int,
        captures: Mapping[tuple[str, str], FileIO],
    ) -> None:
        with self._control:
            engine.run(
                ports, self._control, seed=7, captures=lambda _control: captures, limit=limit
            )


@contextmanager
def wire(
    *rules: dict[str, object],
    limit: int = 1000,
    captures: Mapping[tuple[str, str], FileIO] | None = None,
) -> Iterator[Wire]:
    running = Wire(limit, captures or {})
    if rules:
        running.ask(command="rules", rules=rules)
    try:
        yield running
    finally:
        running.close()


def of(kind: str, records: list[Record]) -> list[Record]:
    return [record for record in records if record["record"] == kind]


def rule(
    effect: str,
    *,
    source: list[str] | None = None,
    target: list[str] | None = None,
    shown: str = "",
    name: str | None = None,
    **arguments: object,
) -> dict[str, object]:
    """A rule of step 6, as the runner describes it."""
    return {
        "id": f"6.{effect}",
        "shown": shown,
        "name": name,
        "from": source,
        "to": target,
        "protocol": None,
        "port": None,
        "effect": effect,
        **arguments,
    }


def numbered(number: int) -> bytes:
    return frames.udp((1, 2), str(number).encode())


def number_of(frame: bytes) -> int:
    return int(frame[42:])


def test_a_frame_arrives_as_it_was_sent_and_a_datagram_in_it_is_told() -> None:
    frame = frames.udp((1, 2), b"hello")
    with wire() as lab:
        lab.send(1, frame)
        assert lab.got(2) == frame
        records = lab.end()
    (told,) = of("datagram", records)
    at = told.pop("at")
    assert isinstance(at, float)
    assert told == {
        "record": "datagram",
        "from": "u1",
        "to": "u2",
        "source": "10.9.0.1:5000",
        "destination": "10.9.0.2:7000",
        "size": 5,
        "text": "hello",
        "fate": "delivered",
    }
    totals = records[-1]
    assert (totals["frames"], totals["forwarded"]) == (1, 1)
    assert (totals["dropped"], totals["nowhere"], totals["missed"]) == (0, 0, 0)


def test_frames_keep_their_order() -> None:
    with wire() as lab:
        for number in range(300):
            lab.send(1, numbered(number))
            assert number_of(lab.got(2)) == number
        assert [record["text"] for record in of("datagram", lab.end())] == [
            str(number) for number in range(300)
        ]


def test_a_broadcast_datagram_arrives_at_all_others_and_is_told_once() -> None:
    frame = frames.udp((1, 255), b"anyone?", to=frames.BROADCAST)
    with wire() as lab:
        lab.send(1, frame)
        assert (lab.got(2), lab.got(3)) == (frame, frame)
        (told,) = of("datagram", lab.end())
        assert lab.nothing_for(1)
    assert (told["to"], told["fate"]) == (None, "delivered")


def test_a_datagram_for_nobody_is_told_as_such() -> None:
    with wire() as lab:
        lab.send(1, frames.udp((1, 99), b"hello?"))
        records = lab.end()
    (told,) = of("datagram", records)
    assert (told["to"], told["fate"]) == (None, "nowhere")
    assert records[-1]["nowhere"] == 1


def test_frames_that_are_no_ipv4_pass_without_being_judged_or_told() -> None:
    ipv6 = frames.ethernet(1, 2, 0x86DD, b"whatever")
    with wire(rule("cut")) as lab:
        lab.send(1, frames.arp(1, 2), ipv6, b"", b"short")
        assert (lab.got(2), lab.got(2)) == (frames.arp(1, 2), ipv6)
        assert [record["record"] for record in lab.end()] == ["totals"]


def test_what_rules_do_is_done_and_told() -> None:
    with wire(
        rule("drop-these", which=[[1, 1]], shown="drop: 1"),
        rule("duplicate-these", which=[[2, 2]], shown="duplicate: 2"),
        rule("corrupt-these", which=[[3, 3]], detected=True, shown="corrupt: 3"),
    ) as lab:
        lab.send(1, *(numbered(number) for number in range(1, 5)))
        assert [lab.got(2) for _ in range(2)] == [numbered(2)] * 2
        damaged = lab.got(2)
        assert damaged != numbered(3)
        assert not checksums_hold(damaged)
        assert lab.got(2) == numbered(4)
        records = lab.end()
        assert lab.nothing_for(2)
    told = [
        {key: record[key] for key in ("fate", "by", "copies", "damaged") if key in record}
        for record in of("datagram", records)
    ]
    assert told == [
        {"fate": "dropped", "by": ["step 6 (drop: 1)"]},
        {"fate": "delivered", "by": ["step 6 (duplicate: 2)"], "copies": 2},
        {"fate": "delivered", "by": ["step 6 (corrupt: 3)"], "damaged": "detected"},
        {"fate": "delivered"},
    ]
    assert (records[-1]["dropped"], records[-1]["forwarded"]) == (1, 4)


def test_rules_are_in_force_once_that_is_said_and_until_they_are_healed() -> None:
    with wire() as lab:
        lab.send(1, numbered(1))
        lab.ask(command="rules", rules=[rule("cut", name="split")])
        lab.send(1, numbered(2))
        lab.ask(command="heal", name="another")
        lab.send(1, numbered(3))
        lab.ask(command="heal", name="split")
        lab.send(1, numbered(4))
        assert [lab.got(2), lab.got(2)] == [numbered(1), numbered(4)]
        fates = [record["fate"] for record in of("datagram", lab.end())]
    assert fates == ["delivered", "dropped", "dropped", "delivered"]


def test_a_node_whose_cable_is_pulled_gets_and_sends_nothing_until_it_is_put_back() -> None:
    with wire() as lab:
        lab.ask(command="plug", node="u2", connected=False)
        lab.send(1, numbered(1), frames.arp(1, 2), frames.udp((1, 3), b"passes"))
        assert lab.got(3) == frames.udp((1, 3), b"passes")
        lab.send(2, frames.udp((2, 3), b"lost"))
        lab.ask(command="plug", node="u2", connected=True)
        lab.send(1, numbered(2))
        assert lab.got(2) == numbered(2)
        told = of("datagram", lab.end())
    assert [(record["fate"], record.get("by")) for record in told] == [
        ("dropped", ["the pulled cable of u2"]),
        ("delivered", None),
        ("dropped", ["the pulled cable of u2"]),
        ("delivered", None),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"effect": "fly"},
        {"effect": "loss"},
        {"effect": "delay", "seconds": 1, "protocol": "sctp"},
    ],
)
def test_a_rule_that_cannot_be_is_refused_as_a_whole(wrong: dict[str, object]) -> None:
    described = {**rule("cut"), **wrong}
    with wire() as lab:
        command = {"command": "rules", "rules": [rule("cut"), described], "reply": 1}
        lab.runner.sendall(json.dumps(command).encode() + b"\n")
        lab.send(1, numbered(1))
        assert lab.got(2) == numbered(1)
        (refused,) = of("refused", lab.end())
    assert refused["command"] == json.loads(json.dumps(command))


def test_delayed_frames_arrive_when_they_are_due_and_equals_in_the_order_they_came() -> None:
    late = rule("delay-these", which=[[1, 1, 4.0], [3, 4, 2.0], [5, 5, 0.0005]])
    with wire(late) as lab:
        lab.send(1, *(numbered(number) for number in range(1, 6)))
        assert [number_of(lab.got(2)) for _ in range(5)] == [2, 5, 3, 4, 1]


def test_a_broadcast_is_judged_at_the_cable_of_each_that_gets_it() -> None:
    frame = frames.udp((1, 255), b"anyone?", to=frames.BROADCAST)
    with wire(rule("cut", target=["u2"])) as lab:
        lab.send(1, frame)
        arrived, left = sorted(of("datagram", lab.end()), key=lambda told: "cable" not in told)
        assert lab.got(3) == frame
        assert lab.nothing_for(2)
    assert (left["fate"], left["from"], left["to"]) == ("delivered", "u1", None)
    assert (arrived["fate"], arrived["from"], arrived["cable"]) == ("dropped", "u1", "u2")


def test_the_same_seed_decides_the_same_whatever_else_passes() -> None:
    fates = []
    for disturbed in (False, True):
        with wire(rule("loss", chance=0.5, source=["u1"], target=["u2"])) as lab:
            for number in range(100):
                if disturbed:
                    lab.send(1, frames.arp(1, 3), frames.udp((1, 3), b"another flow"))
                    lab.send(3, frames.udp((3, 2), b"and another"))
                lab.send(1, numbered(number))
            told = [record for record in of("datagram", lab.end()) if record["to"] == "u2"]
            fates.append([record["fate"] for record in told if record["from"] == "u1"])
    assert fates[0] == fates[1]
    assert set(fates[0]) == {"delivered", "dropped"}


def test_what_still_waits_is_delivered_in_order_when_the_wire_ends() -> None:
    late = rule("delay-these", which=[[number, number, 1000.0 - number] for number in range(1, 6)])
    with wire(late) as lab:
        lab.send(1, *(numbered(number) for number in range(1, 6)))
        lab.end()
        assert [number_of(lab.got(2)) for _ in range(5)] == [5, 4, 3, 2, 1]


def test_the_wire_ends_when_the_runner_has_gone() -> None:
    with wire() as lab:
        lab.runner.close()
        lab.wait()


def test_a_command_that_it_does_not_know_is_refused_and_the_wire_goes_on() -> None:
    with wire() as lab:
        lab.runner.sendall(b'{"command": "fly"}\nnot json\n[]\n{"comm')
        lab.runner.sendall(b'and": "swim"}\n')
        lab.send(1, numbered(1))
        assert lab.got(2) == numbered(1)
        refused = of("refused", lab.end())
    assert [record["command"] for record in refused] == [
        {"command": "fly"},
        {"unreadable": "not json"},
        {"unreadable": "[]"},
        {"command": "swim"},
    ]


def test_an_order_that_the_system_refuses_is_refused_with_the_reason() -> None:
    def stuck(_connected: bool) -> None:  # noqa: FBT001
        raise OSError(5, "the plug does not move")

    with wire() as lab:
        lab.ports[1].plug = stuck
        command = {"command": "plug", "node": "u2", "connected": False, "reply": 1}
        lab.runner.sendall(json.dumps(command).encode() + b"\n")
        lab.send(1, frames.udp((1, 3), b"goes on"))
        assert lab.got(3)
        (refused,) = of("refused", lab.end())
    assert "the plug does not move" in str(refused["reason"])


def test_beyond_the_limit_datagrams_pass_and_are_only_counted() -> None:
    with wire(limit=3) as lab:
        for number in range(10):
            lab.send(1, numbered(number))
            lab.got(2)
        records = lab.end()
    assert [record["text"] for record in of("datagram", records)] == ["0", "1", "2"]
    assert of("unrecorded", records) == [{"record": "unrecorded", "datagrams": 7, "others": 0}]
    assert records[-1]["forwarded"] == 10


def test_a_runner_that_does_not_read_holds_no_frame_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "_QUEUE", 50)
    count = 3000
    with wire(limit=count) as lab:
        for number in range(count):
            lab.send(1, frames.udp((1, 2), str(number).encode().ljust(500)))
            assert int(lab.got(2)[42:]) == number
        records = lab.end()
    told = of("datagram", records)
    (untold,) = of("unrecorded", records)
    assert 50 <= len(told) < count
    assert untold["datagrams"] == count - len(told)
    assert [int(str(record["text"])) for record in told[:50]] == list(range(50))


def test_a_runner_that_reads_on_gets_what_waited_while_the_wire_works() -> None:
    count = 2000
    with wire(limit=count) as lab, lab.runner.makefile() as lines:
        for number in range(count):
            lab.send(1, frames.udp((1, 2), str(number).encode().ljust(500)))
            lab.got(2)
        texts = [int(json.loads(lines.readline())["text"]) for _ in range(count)]
        assert texts == list(range(count))
        lab.send(1, numbered(7))
        assert lab.got(2) == numbered(7)


def test_a_runner_that_never_reads_again_does_not_keep_the_wire_from_ending(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine, "_PATIENCE", 0.01)
    with wire(limit=2000) as lab:
        for number in range(2000):
            lab.send(1, frames.udp((1, 2), str(number).encode().ljust(500)))
            lab.got(2)
        lab.runner.sendall(b'{"command": "end"}\n')
        lab.wait()


def test_beyond_the_limit_other_records_are_only_counted() -> None:
    with wire(limit=2) as lab:
        for port in range(5):
            lab.send(1, frames.tcp((1, 2), SYN, (100, 0), ports=(port, 80)))
        (untold,) = of("unrecorded", lab.end())
    assert untold == {"record": "unrecorded", "datagrams": 0, "others": 3}


def test_a_node_whose_cable_is_gone_loses_its_frames_and_nobody_elses() -> None:
    with wire() as lab:
        lab.nodes[2].close()
        lab.send(1, frames.udp((1, 2), b"gone"), frames.udp((1, 3), b"here"))
        assert lab.got(3) == frames.udp((1, 3), b"here")
        records = lab.end()
    told = [(each["fate"], each.get("cable")) for each in of("datagram", records)]
    assert told == [("dropped", "u2"), ("delivered", None), ("delivered", None)]
    assert records[-1]["dropped"] == 1


def test_a_connection_is_told_and_never_what_was_said_in_it() -> None:
    with wire() as lab:
        lab.send(1, frames.tcp((1, 2), SYN, (100, 0)))
        lab.got(2)
        lab.send(2, frames.tcp((2, 1), SYN | ACK, (500, 101), ports=(80, 5000)))
        lab.got(1)
        lab.send(1, frames.tcp((1, 2), ACK, (101, 501), b"secret word"))
        lab.got(2)
        lab.send(1, frames.tcp((1, 3), SYN, (7, 0)))
        lab.got(3)
        lab.send(3, frames.tcp((3, 1), RST | ACK, (0, 8), ports=(80, 5000)))
        lab.got(1)
        records = lab.end()
    told = [(record["to"], record["state"], record["sent"]) for record in of("connection", records)]
    assert told == [("u2", "opened", 11), ("u3", "refused", 0), ("u2", "open", 11)]
    assert "secret" not in json.dumps(records)


def test_what_is_lost_on_the_way_opens_nothing_but_the_request_is_told() -> None:
    with wire(rule("cut")) as lab:
        lab.send(1, frames.tcp((1, 2), SYN, (100, 0)))
        lab.send(2, frames.tcp((2, 1), RST | ACK, (0, 101), ports=(80, 5000)))
        records = lab.end()
    assert [record["state"] for record in of("connection", records)] == ["unanswered"]


def test_a_capture_holds_what_the_node_sent_and_what_it_got(tmp_path: Path) -> None:
    path, far = tmp_path / "u1.pcap", tmp_path / "u1-wire.pcap"
    question, answer = frames.udp((1, 2), b"?"), frames.udp((2, 1), b".")
    lost = frames.udp((1, 3), b"lost on the way")
    files = {("u1", "own"): FileIO(path, "wb"), ("u1", "far"): FileIO(far, "wb")}
    with wire(rule("cut", source=["u1"], target=["u3"]), captures=files) as lab:
        lab.send(1, frames.arp(1, 99), lost, question)
        lab.got(2)
        lab.send(2, answer, frames.udp((2, 3), b"not for u1"))
        totals = lab.end()[-1]
    for file in files.values():
        file.close()
    beyond = [frame for _, frame in captured(far.read_bytes())]
    assert beyond == [frames.arp(1, 99), question, answer]
    seen = captured(path.read_bytes())
    assert [frame for _, frame in seen] == [frames.arp(1, 99), lost, question, answer]
    assert totals["captured"] == {"u1": 4, "u1-wire": 3}
    times = [at for at, _ in seen]
    assert times == sorted(times)
    # A wall clock, not the one that records go by.
    assert abs(times[0] / 1e9 - path.stat().st_mtime) < 3600


def test_a_capture_is_written_while_the_lab_lives(tmp_path: Path) -> None:
    path = tmp_path / "u2.pcap"
    with FileIO(path, "wb") as file, wire(captures={("u2", "own"): file}) as lab:
        lab.send(1, numbered(1))
        lab.got(2)
        deadline = time.monotonic() + DEADLINE
        while path.stat().st_size <= 24 and time.monotonic() < deadline:
            os.sched_yield()
        assert [frame for _, frame in captured(path.read_bytes())] == [numbered(1)]


def test_a_capture_that_cannot_be_written_is_told_and_holds_nothing_up() -> None:
    with FileIO("/dev/full", "wb") as full, wire(captures={("u2", "own"): full}) as lab:
        lab.send(1, numbered(1))
        assert lab.got(2) == numbered(1)
        captures = lab.end()[-1]["captures"]
    assert captures == {"u2": "cannot write the capture: No space left on device"}


def test_two_ports_with_one_address_are_refused() -> None:
    ours, theirs = socket.socketpair()
    port = Port("u1", frames.mac(1), frames.address(1), theirs)
    with ours, theirs, pytest.raises(ValueError, match="port 1"):
        engine.run([port, port], ours, seed=1)


def test_the_wire_loads_nothing_that_is_slow_to_load() -> None:
    slow = {"argparse", "dataclasses", "inspect", "logging", "pathlib", "socket", "typing"}
    code = (
        f"import sys; sys.path.insert(0, {os.fspath(ROOT)!r})\n"
        "import peerlab.wire.engine\n"
        "sys.stdout.write(' '.join(sys.modules))"
    )
    command = [sys.executable, "-I", "-S", "-c", code]
    loaded = set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    assert loaded & slow == set()
    assert {name for name in loaded if name.startswith("peerlab.")} <= {
        "peerlab.wire",
        *(f"peerlab.wire.{path.stem}" for path in (ROOT / "peerlab" / "wire").glob("*.py")),
    }
