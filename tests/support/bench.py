"""Plays scenarios, given as text, on the fake backend."""

import textwrap
from pathlib import Path

from peerlab.checks.result import Result
from peerlab.evidence.journal import Event, Kind
from peerlab.evidence.reading import Evidence
from peerlab.play import play
from peerlab.scenario.load import load_scenario
from peerlab.scenario.model import Scenario
from tests.support.fake import FakeBackend, Program
from tests.support.programs import CHAT_FILE, chat

PLAIN_FILE = "about: A program of a test\nimage: test/plain\n"


class Bench:
    """A directory with scenarios and program files; the program `chat` is there."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.out = directory / "runs"
        self.programs: dict[str, Program] = {}
        self.files: dict[str, Path] = {}
        self.program("chat", chat, CHAT_FILE)

    def program(self, name: str, program: Program, file: str = PLAIN_FILE) -> None:
        """Make a program, with the text of its program file."""
        path = self.directory / name / "program.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(textwrap.dedent(file))
        self.programs[name], self.files[name] = program, path

    def write(self, text: str, name: str = "scenario") -> Path:
        """Write a scenario's file."""
        path = self.directory / "scenarios" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    def load(self, text: str, name: str = "scenario") -> Scenario:
        """Load a scenario."""
        return load_scenario(self.write(text, name), programs=self.files)

    def backend(self) -> FakeBackend:
        """A backend that knows the programs."""
        return FakeBackend(self.programs)

    def play(self, text: str) -> Result:
        """Play a scenario and give what came of it."""
        return play(self.load(text), self.backend(), self.out)

    def passes(self, text: str) -> Evidence:
        """Play a scenario that must pass, and give its evidence."""
        result = self.play(text)
        assert result.verdict.outcome == "passed", result.verdict.findings
        return Evidence(result.evidence)

    def fails(self, text: str) -> Event:
        """Play a scenario of which one step must fail, and give its event."""
        result = self.play(text)
        assert result.verdict.outcome == "failed", result.verdict.findings
        (event,) = Evidence(result.evidence).failed_steps
        return event


def told(evidence: Evidence, kind: Kind) -> list[tuple[str | None, str]]:
    """Node and text of every event of a kind."""
    return [(event.node, event.text) for event in evidence.journal if event.kind is kind]


def facts(event: Event) -> tuple[str | None, str, str, str]:
    """Who failed, at what, having shown what, in which state."""
    return event.node, event.text, event.detail["since"], event.detail["state"]
