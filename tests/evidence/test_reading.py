from pathlib import Path

import pytest

from peerlab.errors import UsageError
from peerlab.evidence.folder import Folder
from peerlab.evidence.journal import Event, Kind
from peerlab.evidence.reading import Evidence, Message
from tests.support.journals import deployed, event, evidence, exited, failed, printed

WRONG_PASSWORD = """\
Enter your username: Mzi
Enter your password: 1234
Incorrect username or password. Please try again.
Enter your username: quit
"""


def typed(node: str, text: str) -> Event:
    return event(Kind.TYPED, node, text)


def test_the_transcript_shows_what_was_printed_and_typed_as_the_terminal_did(
    tmp_path: Path,
) -> None:
    node = evidence(
        tmp_path,
        [
            printed("u1", "Enter your username: "),
            typed("u1", "Mzi"),
            printed("u1", "Enter your password: "),
            printed("server", "Accepted connection\n"),
            typed("u1", "1234"),
            event(Kind.SENT, "u1", "never shown", id="1", peer="10.0.0.3"),
            printed("u1", "Incorrect username or password. Please try again.\n"),
            printed("u1", "Enter your username: "),
            typed("u1", "quit"),
        ],
    ).node("u1")
    assert node.transcript == WRONG_PASSWORD
    assert node.typed == "Mzi\n1234\nquit\n"
    assert node.printed == (
        "Enter your username: Enter your password: "
        "Incorrect username or password. Please try again.\nEnter your username: "
    )
    assert node.tail(2) == (
        "Incorrect username or password. Please try again.\nEnter your username: quit"
    )


def test_the_transcript_says_from_where_on_output_was_not_kept(tmp_path: Path) -> None:
    events = [
        printed("u1", "y\ny"),
        event(Kind.TRUNCATED, "u1", "only the first 3 bytes are kept"),
        typed("u1", "quit"),
        printed("u2", "bye\n"),
    ]
    found = evidence(tmp_path, events)
    assert found.node("u1").truncated
    assert (
        found.node("u1").transcript == "y\ny\n[truncated: only the first 3 bytes are kept]\nquit\n"
    )
    assert found.node("u1").printed == "y\ny"
    assert not found.node("u2").truncated


def test_what_is_known_of_a_node_can_be_asked_for(tmp_path: Path) -> None:
    found = evidence(
        tmp_path,
        [
            deployed("u1", "10.0.0.2", "chat"),
            event(Kind.SENT, "u1", "HEY", id="m1", peer="10.0.0.3"),
            event(Kind.RECEIVED, "u1", "HO"),
            exited("u1", 3),
        ],
    )
    node = found.node("u1")
    assert (node.ip, node.program, node.status) == ("10.0.0.2", "chat", 3)
    assert node.messages == [
        Message(1.0, "u1", Kind.SENT, "m1", "10.0.0.3", "HEY"),
        Message(1.0, "u1", Kind.RECEIVED, None, None, "HO"),
    ]
    assert list(found.nodes) == ["u1"]


def test_of_a_node_that_was_hardly_seen_little_is_known(tmp_path: Path) -> None:
    node = evidence(tmp_path, [printed("u1", "?")]).node("u1")
    assert (node.ip, node.program, node.status, node.exited) == (None, None, None, None)
    assert node.messages == []


def test_a_node_that_was_not_there_is_told_with_those_that_were(tmp_path: Path) -> None:
    found = evidence(tmp_path, [printed("u1", ""), printed("u2", "")])
    with pytest.raises(UsageError) as caught:
        found.node("u3")
    assert caught.value.message == f"no node 'u3' in {tmp_path}"
    assert caught.value.hint == "nodes are: u1, u2"


def test_failed_steps_and_the_end_are_found(tmp_path: Path) -> None:
    step = failed("u1", "u1 never showed 'x'")
    assert evidence(tmp_path, [step]).failed_steps == [step]
    assert evidence(tmp_path, [step]).complete
    assert not evidence(tmp_path, [step], complete=False).complete


@pytest.mark.parametrize(
    ("journal", "reason"),
    [
        (None, "No such file or directory"),
        ("hello\n", "Expecting value"),
        ('{"at": 1}\n', "not an event of a journal: 'kind'"),
    ],
    ids=["none", "text", "other JSON"],
)
def test_a_folder_that_is_not_a_runs_is_refused(
    tmp_path: Path, journal: str | None, reason: str
) -> None:
    if journal is not None:
        (tmp_path / "journal.jsonl").write_text(journal)
    with pytest.raises(UsageError) as caught:
        _ = Evidence(tmp_path).journal
    assert caught.value.message.startswith(f"{tmp_path} is not the evidence of a run: ")
    assert reason in caught.value.message


def test_the_verdict_is_empty_before_the_run_is_judged(tmp_path: Path) -> None:
    found = evidence(tmp_path, [])
    assert (found.verdict, found.outcome, found.findings) == ({}, None, [])


def test_a_folder_gives_back_what_was_written_into_it(tmp_path: Path) -> None:
    folder = Folder.create(
        tmp_path, "chat/hello", "run-1", "title: Grüße\n", {"chat": "about: Grüße\n"}
    )
    with folder.open_log("u1") as log:
        log.write(b"\xff\x00\r\n")
    folder.write_verdict(
        {"outcome": "failed", "checks": [{"findings": [{"check": "steps", "proof": "ü"}]}]}
    )
    found = Evidence(tmp_path / "chat" / "hello" / "latest")
    assert found.log("u1") == b"\xff\x00\r\n"
    assert found.outcome == "failed"
    assert found.findings == [{"check": "steps", "proof": "ü"}]
    assert (folder.path / "scenario.yaml").read_text(encoding="utf-8") == "title: Grüße\n"


def test_the_same_run_is_not_written_twice(tmp_path: Path) -> None:
    Folder.create(tmp_path, "hello", "run-1", "", {})
    with pytest.raises(UsageError, match="cannot write the evidence to"):
        Folder.create(tmp_path, "hello", "run-1", "", {})
