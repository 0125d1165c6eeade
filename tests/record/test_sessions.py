"""Whole sessions on namespaces, at real terminals."""

import json
import os
import select
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pexpect
import pytest

from peerlab.backend.netns.lab import NetnsBackend
from peerlab.evidence.journal import Kind
from peerlab.evidence.reading import Evidence
from peerlab.play import play
from peerlab.programs import known_programs
from peerlab.record.base import base_like
from peerlab.record.recordings import count_messages, recordings
from peerlab.scenario.load import load_scenario
from tests.record.made_up import PASSWORD

pytestmark = pytest.mark.netns

ROOT: Final = Path(__file__).parents[2]
WRONG: Final = "Falsch-77"
CHAT: Final = ("server=server", "alice=client", "bob=client")
WITHIN: Final = 60


class Desk:
    """Terminals in a directory of their own."""

    def __init__(self, folder: Path, socket: Path) -> None:
        self.folder = folder
        self.socket = socket
        self.out = folder / "mine.yaml"
        self.spawned: list[pexpect.spawn[str]] = []

    def terminal(self, *words: str) -> "pexpect.spawn[str]":
        """A `peerlab` command at a terminal."""
        child = pexpect.spawn(
            sys.executable,
            ["-m", "peerlab", *words],
            cwd=str(self.folder),
            env=_environment(),
            encoding="utf-8",
            timeout=WITHIN,
            dimensions=(50, 300),
        )
        self.spawned.append(child)
        return child

    def record(self, *words: str) -> "pexpect.spawn[str]":
        """A recording whose lab runs."""
        options = ("--backend", "netns", "--socket", str(self.socket), "--out", "mine.yaml")
        console = self.terminal("record", *options, *words)
        console.expect_exact("ends the session")
        return console

    def join(self, node: str) -> "pexpect.spawn[str]":
        """Somebody who sits down at a node."""
        return self.terminal("join", "--socket", str(self.socket), node)

    def program(self, name: str, script: str, more: str = "") -> str:
        """A program that is a shell script; gives the option for it."""
        path = self.folder / f"{name}.program.yaml"
        path.write_text(f"about: A script\ncommand: [sh, -c, {json.dumps(script)}]\n{more}")
        return f"--program={name}={path.name}"

    def peerlab(self, *words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """A `peerlab` command that ends by itself."""
        return subprocess.run(
            [sys.executable, "-m", "peerlab", *words],
            cwd=self.folder,
            env=_environment() | environment,
            capture_output=True,
            text=True,
            check=False,
        )


def _environment() -> dict[str, str]:
    return dict(os.environ) | {"PYTHONPATH": str(ROOT), "TERM": "dumb"}


@pytest.fixture
def place() -> Iterator[Callable[[], Path]]:
    """Gives directories with short paths, as sockets need."""
    with tempfile.TemporaryDirectory(prefix="pl-") as path:
        yield lambda: Path(tempfile.mkdtemp(dir=path))


@pytest.fixture
def desk(tmp_path: Path, place: Callable[[], Path]) -> Iterator[Desk]:
    """Terminals."""
    made = Desk(tmp_path, place())
    yield made
    for child in made.spawned:
        child.close(force=True)


def answer(child: "pexpect.spawn[str]", prompt: str, text: str) -> None:
    child.expect_exact(prompt)
    child.sendline(text)


def answer_hidden(child: "pexpect.spawn[str]", prompt: str, text: str) -> None:
    child.expect_exact(prompt)
    type_hidden(child, text)


def type_hidden(child: "pexpect.spawn[str]", text: str) -> None:
    child.waitnoecho(timeout=WITHIN)
    assert not child.getecho()
    child.sendline(text)


def log_in(child: "pexpect.spawn[str]", name: str, password: str = PASSWORD) -> None:
    answer(child, "Enter your username: ", name)
    answer_hidden(child, "Enter your password: ", password)


def ended(child: "pexpect.spawn[str]") -> tuple[str, int | None]:
    """The rest of what it printed, and its exit status."""
    child.expect(pexpect.EOF)
    child.close()
    return child.before or "", child.exitstatus


def test_a_chat_between_two_people_is_recorded_and_replays_five_times(desk: Desk) -> None:
    console = desk.record(*CHAT)
    alice, bob = desk.join("alice"), desk.join("bob")
    log_in(alice, "alice", WRONG)
    alice.expect_exact("Incorrect username or password")
    log_in(alice, "alice")
    log_in(bob, "bob")
    bob.expect_exact("LIST AVAILABLE CLIENTS")
    answer(alice, "LIST AVAILABLE CLIENTS: Y/N", "Y")
    answer(alice, "number of recipients: ", "1")
    answer(alice, "recipient's username: ", "USER 2")
    answer(alice, "message to send: ", 'Hi "Bob": {x} # ümlaut')
    bob.expect_exact("Received message from USER 1: Hi")
    bob.sendline("quit")
    assert "ended with status 0" in ended(bob)[0]
    console.sendline("alice: quit")
    assert "ended with status 0" in ended(alice)[0]
    console.sendline("/done")
    told, status = ended(console)
    assert status == 0, told
    assert "it replays: passed" in told
    assert "PEERLAB_SECRET_ALICE_PASSWORD" in told
    text = desk.out.read_text()
    assert WRONG not in text
    for step in ("alice: login", "bob: quit", 'hears: "Hi \\"Bob\\": {{x}} # ümlaut", from: alice'):
        assert step in text
    assert desk.peerlab("validate", "mine.yaml").returncode == 0
    assert "alice-password" in desk.peerlab("run", "--backend", "netns", "mine.yaml").stderr
    played = desk.peerlab(
        *("run", "--backend", "netns", "--repeat", "5", "mine.yaml"),
        PEERLAB_SECRET_ALICE_PASSWORD=WRONG,
    )
    assert played.returncode == 0, played.stdout
    kept = [path for path in desk.folder.rglob("*") if path.is_file()]
    assert len([path for path in kept if path.name == "journal.jsonl"]) == 6
    assert not [path for path in kept if WRONG.encode() in path.read_bytes()]


def test_a_password_is_shown_to_nobody(desk: Desk) -> None:
    console = desk.record(*CHAT)
    alice, beside = desk.join("alice"), desk.join("alice")
    beside.expect_exact("Enter your username: ")
    log_in(alice, "alice", WRONG)
    beside.expect_exact("alice\r\nEnter your password: ")
    beside.expect_exact("********\r\nIncorrect")
    alice.expect_exact("Incorrect")
    assert WRONG not in f"{alice.before}"
    console.sendline("/secret alice")
    console.expect_exact("it is not shown")
    type_hidden(console, "My name is secret")
    console.expect_exact("********")
    assert "My name" not in f"{console.before}"


def test_a_password_typed_ahead_of_its_prompt_is_kept_nowhere(desk: Desk) -> None:
    console = desk.record(*CHAT)
    alice = desk.join("alice")
    alice.expect_exact("Enter your username: ")
    alice.send(f"alice\n{WRONG}\n")
    alice.expect_exact("Incorrect username or password")
    console.sendline(f"alice: alice\nalice: {PASSWORD}")
    alice.expect_exact("LIST AVAILABLE")
    console.sendline("/done")
    told, status = ended(console)
    assert status == 0, told
    kept = [path for path in desk.folder.rglob("*") if path.is_file()]
    assert desk.out in kept
    assert not [path for path in kept if WRONG.encode() in path.read_bytes()]
    assert f"| {PASSWORD}" not in told
    assert f'{{type: "{PASSWORD}"}}' not in desk.out.read_text()


def test_the_socket_is_for_its_owner_alone_and_gone_in_the_end(desk: Desk) -> None:
    console = desk.record(*CHAT)
    assert stat.S_IMODE(desk.socket.stat().st_mode) == 0o700
    (socket,) = [path for path in desk.socket.iterdir() if path.is_socket()]
    assert stat.S_IMODE(socket.stat().st_mode) == 0o600
    console.sendeof()
    told, status = ended(console)
    assert (status, "nothing was done" in told) == (2, True)
    assert not [path for path in desk.socket.iterdir() if path.is_socket()]
    assert not desk.out.exists()


def test_ctrl_c_keeps_what_was_recorded(desk: Desk) -> None:
    console = desk.record(*CHAT)
    alice = desk.join("alice")
    log_in(alice, "alice")
    alice.expect_exact("LIST AVAILABLE")
    console.sendintr()
    told, status = ended(console)
    assert status == 130
    assert "steps into mine.yaml; it was not replayed" in told
    assert "alice: login" in desk.out.read_text()
    assert "the lab has ended" in ended(alice)[0]
    assert not (desk.folder / "runs").exists()
    assert desk.peerlab("run", "--backend", "netns", "mine.yaml").returncode == 0


@pytest.mark.parametrize("gap", [0.0, 0.05, 0.1, 0.3])
@pytest.mark.parametrize("also", [signal.SIGINT, signal.SIGHUP])
def test_two_interruptions_keep_what_was_recorded(
    desk: Desk, gap: float, also: signal.Signals
) -> None:
    console = desk.record(*CHAT)
    console.sendline("alice: alice")
    console.expect(r"alice +\| ")
    console.kill(signal.SIGINT)
    select.select([], [], [], gap)  # as somebody who presses it again
    console.kill(also)
    told, status = ended(console)
    assert "cannot go on" not in told
    assert status == 130
    assert 'alice: {type: "alice"}' in desk.out.read_text()


def test_the_lab_goes_on_where_its_console_is_not_read(desk: Desk) -> None:
    script = "echo ready; i=0; while [ $i -lt 5000 ]; do echo line $i; i=$((i+1)); done; echo end"
    console = desk.record(desk.program("many", f"{script}; read -r x"), "one=many", "two=many")
    one = desk.join("one")  # nobody reads the console from here on: its terminal is full
    one.expect_exact("line 4999\r\nend")
    one.sendline("thanks")
    assert "ended with status 0" in ended(one)[0]
    console.sendline("/done")
    told, _ = ended(console)
    assert "into mine.yaml" in told


def test_a_node_that_dies_and_one_that_is_told_to_go_on(desk: Desk) -> None:
    program = desk.program("echo", "echo ready; while read -r x; do echo got $x; done; exit 3")
    console = desk.record(program, "one=echo", "two=echo")
    one, two = desk.join("one"), desk.join("two")
    answer(one, "ready", "first")
    one.expect_exact("got first")
    two.expect_exact("ready")
    console.sendline("/kill one")
    assert "ended with status 137" in ended(one)[0]
    console.sendline("one: too late")
    console.expect_exact("cannot type 'too late' into one")
    two.sendline("/eof")
    assert "ended with status 3" in ended(two)[0]
    console.sendline("/done")
    told, status = ended(console)
    assert status == 0, told
    text = desk.out.read_text()
    assert 'programs:\n  echo: "echo.program.yaml"' in text
    for step in (
        "one: kill",
        "one: {exits: 137}",
        "two: eof",
        "two: {exits: 3}",
        "exits: {two: 3}",
    ):
        assert f"- {step}\n" in text
    assert "too late" not in text


def test_a_replay_that_does_not_pass_is_told_with_its_place(desk: Desk) -> None:
    script = "echo go; read -r x; od -An -N3 -tu1 /dev/urandom; read -r x"
    console = desk.record(desk.program("chance", script), "one=chance")
    one = desk.join("one")
    answer(one, "go", "")
    one.expect(r"\d+ +\d+ +\d+")
    console.sendline("/done")
    told, status = ended(console)
    assert status == 1
    assert "its replay does not pass" in told
    assert "mine.yaml:" in told
    assert desk.out.exists()


def test_where_actions_do_not_pass_they_are_left_out(desk: Desk) -> None:
    hasty = "actions:\n  asks:\n    dialogue: [{type: go}, {expect: done, within: 1ms}]\n"
    console = desk.record(desk.program("slow", "read -r x; sleep 2; echo done", hasty), "one=slow")
    console.sendline("one: go")
    console.expect_exact("| done")
    console.sendline("/done")
    told, status = ended(console)
    assert status == 0, told
    assert "told with actions it does not pass; without them:\r\nrecorded" in told
    assert told.count("evidence: runs/") == 1
    assert "a replay needs the same programs" not in told
    assert '- one: {expect: "done"}' in desk.out.read_text()
    assert "asks" not in desk.out.read_text()


def test_two_recordings_at_once_do_not_meet(
    desk: Desk, tmp_path: Path, place: Callable[[], Path]
) -> None:
    (tmp_path / "other").mkdir()
    other = Desk(tmp_path / "other", place())
    consoles = [desk.record(*CHAT), other.record(*CHAT)]
    guests = [desk.join("alice"), other.join("alice")]
    for guest, name in zip(guests, ("first", "second"), strict=True):
        log_in(guest, name)
        guest.expect_exact("LIST AVAILABLE")
    refused = desk.peerlab(
        *("record", "--backend", "netns", "--socket", str(desk.socket)),
        *("--out", "third.yaml", "alice=client", "server=server"),
    )
    assert refused.returncode == 2
    assert "another recording is under way" in refused.stderr
    for console, made, name in zip(consoles, (desk, other), ("first", "second"), strict=True):
        console.sendline("/done")
        assert ended(console)[1] == 0
        assert f'- alice: {{login: "{name}"}}' in made.out.read_text()
    for child in other.spawned:
        child.close(force=True)


def test_who_joins_can_leave_and_come_again(desk: Desk) -> None:
    script = (
        r"""printf 'name: '; while read -r x; do printf '\033[31m%s\033[0m\nname: ' "$x"; done"""
    )
    desk.record(desk.program("loud", script), "one=loud")
    one = desk.join("one")
    answer(one, "name: ", "//slash")
    one.expect_exact("\\x1b[31m/slash\\x1b[0m")
    one.sendline("/what")
    one.expect_exact("begin a line of your own with //")
    one.sendline("/leave")
    assert ended(one)[1] == 0
    again = desk.join("one")
    again.expect_exact("name: /slash\r\n\\x1b[31m/slash")
    again.sendeof()
    assert "the program runs on" in ended(again)[0]
    assert desk.peerlab("join", "--socket", str(desk.socket), "two").returncode == 2


def test_nobody_can_join_where_nothing_is_recorded(desk: Desk) -> None:
    found = desk.peerlab("join", "--socket", str(desk.socket), "alice")
    assert found.returncode == 2
    assert "no lab is being recorded" in found.stderr


def test_a_recording_like_another_scenario_has_its_nodes_and_network(desk: Desk) -> None:
    like = ROOT / "scenarios" / "network" / "nat" / "symmetric.yaml"
    console = desk.record("--like", str(like), "--title", "Mine: it's #1")
    name = next(
        name
        for name, node in load_scenario(like, programs=known_programs()).nodes.items()
        if node.program.name == "client"
    )
    guest = desk.join(name)
    log_in(guest, name)
    guest.expect_exact("LIST AVAILABLE")
    console.sendline("/done")
    told, status = ended(console)
    assert status == 0, told
    made = load_scenario(desk.out, programs=known_programs())
    original = load_scenario(like, programs=known_programs())
    assert made.title == "Mine: it's #1"
    assert made.network == original.network
    assert made.nodes.keys() == original.nodes.keys()


@pytest.mark.parametrize(
    "name", ["messages/odd-text", "quit/at-message", "other-languages/inquiry"]
)
def test_a_shipped_scenario_that_is_taken_for_a_session_replays_told_both_ways(
    tmp_path: Path, name: str
) -> None:
    backend, programs = NetnsBackend(), known_programs()
    path = ROOT / "scenarios" / f"{name}.yaml"
    result = play(load_scenario(path, programs=programs), backend, tmp_path / "runs")
    evidence = Evidence(result.evidence)
    stopped = [event for event in evidence.journal if event.detail.get("by") == "lab"]
    until = min((event.at for event in stopped), default=float("inf"))
    events = [event for event in evidence.journal if event.at < until]
    hidden = {
        node: [PASSWORD for event in events if event.node == node and event.detail.get("secret")]
        for node in evidence.nodes
    }
    out = tmp_path / "again.yaml"
    base = base_like(path, out, programs)
    told = list(recordings(base, events, hidden, count_messages(evidence)))
    assert len(told) == 2
    assert told[0].steps < told[1].steps
    for recording in told:
        out.write_text(recording.text)
        scenario = load_scenario(out, programs=programs)
        replayed = play(scenario, backend, tmp_path / "runs", secret_values=recording.secrets)
        assert replayed.verdict.outcome == "passed", replayed.verdict.findings
        typed = [
            [
                event.text
                for event in source.journal
                if event.kind is Kind.TYPED and event.node == node
            ]
            for node in evidence.nodes
            for source in (evidence, Evidence(replayed.evidence))
        ]
        assert typed[::2] == typed[1::2]
