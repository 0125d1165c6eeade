from pathlib import Path

import pytest

from peerlab.checks.verdict import Finding
from tests.support.captures import captured_totals, stream, write_capture
from tests.support.judging import NODES, Case, told
from tests.wire.frames import udp

ALICE, BOB, SERVER = 2, 3, 1
LOGIN = stream((ALICE, SERVER), b'LOGIN {"username":"alice","pass', b'word":"CSC3@A1"}\n')
HELLO = udp((ALICE, BOB), 'CHAT/1 "Grüß Gott, Bob"'.encode(), (4000, 4001))


def judge(
    path: Path, check: str, frames: list[bytes], steps: str = "- alice: login"
) -> list[Finding]:
    for node in NODES:
        write_capture(path / "run", node, frames if node in {"alice", "server"} else [])
    case = Case(path, f"- capture: {{{check}}}", steps)
    return case.judge([captured_totals(path / "run")])


BY_UDP = "a datagram from alice (port 4000) to bob (port 4001)"
BY_TCP = "what went by TCP from alice (port 5000) to server (port 80)"
NOWHERE = "can be read in none of 4 datagrams and TCP streams"
SECRET = "a secret of the scenario"

CASES = {
    "contained": ("contains: Grüß Gott", "passed", f"'Grüß Gott' can be read in {BY_UDP}"),
    "contained across segments": (
        'contains: "/pass\\\\w+/"',
        "passed",
        f"'/pass\\\\w+/' can be read in {BY_TCP}",
    ),
    "not contained": ("contains: Hallo", "failed", f"'Hallo' {NOWHERE}"),
    "lacked": ("lacks: Hallo", "passed", f"'Hallo' {NOWHERE}"),
    "not lacked": ("lacks: Gott", "failed", f"'Gott' can be read in {BY_UDP}"),
    "a secret in clear": ("secrets: present", "passed", f"{SECRET} can be read in {BY_TCP}"),
    "a secret that must not be": ("secrets: absent", "failed", f"{SECRET} can be read in {BY_TCP}"),
    "of one node only": (
        "lacks: Gott, node: [bob, carol]",
        "passed",
        "'Gott' can be read in none of 0 datagrams and TCP streams",
    ),
}


@pytest.mark.parametrize(("check", "outcome", "message"), CASES.values(), ids=CASES)
def test_whatever_passed_can_be_read_or_not(
    tmp_path: Path, check: str, outcome: str, message: str
) -> None:
    assert told(judge(tmp_path, check, [*LOGIN, HELLO])) == [(outcome, message)]


def test_where_no_secret_passed_none_is_there(tmp_path: Path) -> None:
    assert told(judge(tmp_path, "secrets: absent", [HELLO])) == [
        ("passed", f"{SECRET} can be read in none of 2 datagrams and TCP streams")
    ]
    assert judge(tmp_path, "secrets: present", [HELLO])[0].outcome == "failed"


@pytest.mark.parametrize("check", ["secrets: present", "contains: username", 'contains: "CSC3"'])
def test_the_proof_shows_what_stands_around_it_and_no_secret(tmp_path: Path, check: str) -> None:
    (finding,) = judge(tmp_path, check, LOGIN)
    assert "CSC3@A1" not in finding.proof
    assert "CSC3" not in finding.proof
    assert '"password":"********"' in finding.proof


def test_a_pattern_that_is_the_secret_is_masked_in_the_message(tmp_path: Path) -> None:
    (finding,) = judge(tmp_path, "lacks: CSC3@A1", LOGIN)
    assert finding.message == f"'********' can be read in {BY_TCP}"


SECRETS = {
    "given to an action": '- alice: {login: {password: "a new one"}}',
    "typed hidden": '- alice: {type: "a new one", secret: true}',
    "typed hidden after a choice": (
        "- alice: {choose: {Password: [{type: a new one, secret: true}]}}"
    ),
}


@pytest.mark.parametrize("steps", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize(
    "payload", [b"pw=a new one;", b"Pa new one", b"\0a new one_1", b"a new on"]
)
def test_secrets_are_what_steps_type_hidden_whatever_stands_around_them(
    tmp_path: Path, steps: str, payload: bytes
) -> None:
    (finding,) = judge(tmp_path, "secrets: absent", [udp((ALICE, SERVER), payload)], steps)
    assert finding.outcome == ("failed" if b"a new one" in payload else "passed")


OUTSIDE = "secrets: [of-alice, of-bob]"
TYPED = """- alice: {login: {password: "{secret.of-alice}"}}
- bob: {type: "{secret.of-bob}", secret: true}"""
UNKNOWN = (
    "the values of these secrets of the scenario are not in the evidence, "
    "and cannot be looked for: of-alice, of-bob"
)


@pytest.mark.parametrize("check", ["absent", "present"])
def test_of_secrets_whose_values_come_from_outside_it_is_unknown_whether_they_can_be_read(
    tmp_path: Path, check: str
) -> None:
    for node in NODES:
        write_capture(tmp_path / "run", node, [HELLO])
    case = Case(tmp_path, f"- capture: {{secrets: {check}}}", TYPED, OUTSIDE)
    assert told(case.judge([captured_totals(tmp_path / "run")])) == [("unknown", UNKNOWN)]


@pytest.mark.parametrize(("check", "outcome"), [("absent", "failed"), ("present", "passed")])
def test_another_secret_that_can_be_read_counts_beside_those_that_are_not_known(
    tmp_path: Path, check: str, outcome: str
) -> None:
    for node in NODES:
        write_capture(tmp_path / "run", node, LOGIN)
    case = Case(tmp_path, f"- capture: {{secrets: {check}}}", TYPED, OUTSIDE)
    assert case.judge([captured_totals(tmp_path / "run")])[0].outcome == outcome


def test_a_pattern_can_be_lacked_whatever_secrets_are_not_known(tmp_path: Path) -> None:
    for node in NODES:
        write_capture(tmp_path / "run", node, [HELLO])
    case = Case(tmp_path, "- capture: {lacks: Hallo}", TYPED, OUTSIDE)
    assert case.judge([captured_totals(tmp_path / "run")])[0].outcome == "passed"


def test_where_no_other_secret_is_there_it_is_told_which_are_not_known(tmp_path: Path) -> None:
    (tmp_path / "plain.yaml").write_text("image: test/plain\n")
    head = "programs: {client: plain.yaml}\nsecrets: [mine]"
    steps = '- alice: {type: "{secret.mine}", secret: true}'
    case = Case(tmp_path, "- capture: {secrets: absent}", steps, head)
    assert told(case.judge([])) == [("unknown", UNKNOWN.replace("of-alice, of-bob", "mine"))]


def test_a_secret_as_json_writes_it_is_found(tmp_path: Path) -> None:
    steps = """- alice: {login: {password: 'a"b"cd'}}"""
    frames = [udp((ALICE, SERVER), rb'{"password":"a\"b\"cd"}')]
    (finding,) = judge(tmp_path, "secrets: absent", frames, steps)
    assert finding.outcome == "failed"
    assert finding.proof == '{"password":"********"}'


def test_without_a_secret_there_is_nothing_to_look_for(tmp_path: Path) -> None:
    (tmp_path / "plain.yaml").write_text("image: test/plain\n")
    head = "programs: {client: plain.yaml}"
    case = Case(tmp_path, "- capture: {secrets: absent}", "- alice: {type: x}", head)
    assert told(case.judge([])) == [
        ("unknown", "the scenario has no secret of 4 characters or more to look for")
    ]


@pytest.mark.parametrize("check", ["lacks: x", "contains: x", "secrets: absent"])
def test_without_captures_nothing_can_be_said(tmp_path: Path, check: str) -> None:
    assert told(Case(tmp_path, f"- capture: {{{check}}}").judge([])) == [
        ("unknown", "there is no capture of server: the backend made none")
    ]


def test_what_was_found_counts_even_if_the_capture_is_not_whole(tmp_path: Path) -> None:
    for node in NODES:
        write_capture(tmp_path / "run", node, LOGIN)
    totals = captured_totals(tmp_path / "run", captures={"alice": "full", "server": "full"})
    case = Case(tmp_path, "- capture: {contains: LOGIN}")
    assert case.judge([totals])[0].outcome == "passed"
    lacks = Case(tmp_path, "- capture: {lacks: LOGOUT}")
    assert told(lacks.judge([totals])) == [("unknown", "the capture of server is not whole: full")]


def test_a_file_that_is_no_capture_makes_it_unknown(tmp_path: Path) -> None:
    write_capture(tmp_path / "run", "alice", [])
    (tmp_path / "run" / "captures" / "alice.pcap").write_bytes(b"x" * 100)
    (finding,) = Case(tmp_path, "- capture: {lacks: x, node: alice}").judge([])
    assert finding.outcome == "unknown"
    assert "alice.pcap is not a capture" in finding.message


CUT_SHORT = {"nothing": 0, "the header": 24, "some frames": 150}


@pytest.mark.parametrize("length", CUT_SHORT.values(), ids=CUT_SHORT)
@pytest.mark.parametrize("check", ["lacks: Hallo", "secrets: absent", "contains: Hallo"])
def test_what_is_not_in_a_capture_that_was_cut_short_may_have_been_there(
    tmp_path: Path, check: str, length: int
) -> None:
    write_capture(tmp_path / "run", "bob", [HELLO] * 5)
    totals = captured_totals(tmp_path / "run")
    file = tmp_path / "run" / "captures" / "bob.pcap"
    file.write_bytes(file.read_bytes()[:length])
    case = Case(tmp_path, f"- capture: {{{check}, node: bob}}")
    frames = 1 if length > 100 else 0
    (finding,) = case.judge([totals])
    assert finding.outcome == "unknown"
    assert finding.message == (
        f"the capture of bob is not what was captured: it has {frames} frames, "
        "and the wire told of 5"
    )


def test_a_capture_with_more_than_the_wire_captured_makes_it_unknown(tmp_path: Path) -> None:
    write_capture(tmp_path / "run", "bob", [HELLO])
    totals = captured_totals(tmp_path / "run")
    write_capture(tmp_path / "run", "bob", [HELLO, HELLO])
    (finding,) = Case(tmp_path, "- capture: {lacks: Hallo, node: bob}").judge([totals])
    assert finding.outcome == "unknown"
    assert "it has 2 frames, and the wire told of 1" in finding.message


def test_where_no_wire_told_what_it_captured_it_is_unknown_whether_that_is_all(
    tmp_path: Path,
) -> None:
    write_capture(tmp_path / "run", "bob", [HELLO])
    case = Case(tmp_path, "- capture: {lacks: Hallo, node: bob}")
    assert told(case.judge([])) == [
        ("unknown", "it is unknown whether the capture of bob is whole: no wire told its frames")
    ]
