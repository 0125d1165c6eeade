"""docs/record.md tells the truth."""

import re
from pathlib import Path

import click

from peerlab.cli.joining import join
from peerlab.cli.recording import record
from peerlab.cli.spool import MOST_WAITING
from peerlab.programs import known_programs
from peerlab.record.orders import CONTROLS, Unclear, read_order
from peerlab.scenario.load import load_scenario
from tests.record.made_up import MadeUp

TEXT = (Path(__file__).parents[2] / "docs" / "record.md").read_text(encoding="utf-8")


def test_the_example_is_what_that_session_becomes(tmp_path: Path) -> None:
    (block,) = re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    chat = MadeUp(tmp_path, "alice", "bob")
    chat.logs_in("alice", "bob")
    chat.lists("alice", "alice", "bob")
    chat.sends("alice", "USER 2", "Hi Bob")
    chat.hears("bob", "USER 1", "Hi Bob")
    for node in ("alice", "bob"):
        chat.types(node, "quit")
        chat.ends(node)
    assert chat.told({"sent": 1})[0].text == block
    chat.out.write_text(block)
    assert load_scenario(chat.out, programs=known_programs()).checks


def test_every_option_has_its_word() -> None:
    for command in (record, join):
        options = [each for each in command.params if isinstance(each, click.Option)]
        assert [each.opts[0] for each in options if each.opts[0] not in TEXT] == []


def test_every_line_of_the_console_is_one() -> None:
    for control in CONTROLS:
        assert f"`/{control}`" in TEXT
    for line in ("alice: text", "alice:", "/secret alice", "/done"):
        assert f"`{line}`" in TEXT
        assert not isinstance(read_order(line, ["alice"]), Unclear)


def test_the_summary_counts_the_steps_of_the_example() -> None:
    (count,) = re.findall(r"recorded (\d+) steps", TEXT)
    steps = re.findall(r"^  - \w+: (?:login|quit|\{(?:say|hears|expect))", TEXT, re.MULTILINE)
    assert len(steps) == int(count)


def test_the_amount_that_waits_for_the_console_is_what_the_text_says() -> None:
    assert MOST_WAITING == 1024 * 1024
    assert "the last million characters" in TEXT
