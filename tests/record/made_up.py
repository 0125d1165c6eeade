"""Made-up sessions: what nodes showed and what was typed, one after the other."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from peerlab.evidence.journal import Event, Kind
from peerlab.evidence.mask import MASK
from peerlab.programs import known_programs
from peerlab.record.base import Base, base_of_nodes
from peerlab.record.recordings import Recording, recordings
from peerlab.scenario.load import load_scenario
from peerlab.scenario.model import Scenario

PASSWORD: Final = "CSC3@A1"


class MadeUp:
    """A session of clients of the chat that peerlab comes with."""

    def __init__(self, folder: Path, *names: str, programs: dict[str, Path] | None = None) -> None:
        self.folder = folder
        self.programs = known_programs() | (programs or {})
        self.out = folder / "mine.yaml"
        self.nodes = [
            "server=server",
            *(name if "=" in name else f"{name}=client" for name in names),
        ]
        self.events: list[Event] = []
        self.hidden: dict[str, list[str]] = defaultdict(list)
        self.at = 0.0
        for number, node in enumerate(self.nodes, start=2):
            name, _, program = node.partition("=")
            self.tell(Kind.DEPLOYED, name, ip=f"10.9.8.{number}", program=program)

    def tell(self, kind: Kind, node: str, text: str = "", **detail: object) -> None:
        """Something happens, a hundredth of a second after what was before."""
        self.at += 0.01
        self.events.append(Event(round(self.at, 6), kind, node, text, detail))

    def shows(self, node: str, text: str) -> None:
        """A program prints."""
        self.tell(Kind.PRINTED, node, text, stream="stdout")

    def notices(self, node: str, text: str) -> None:
        """A program prints a line unasked."""
        self.tell(Kind.PRINTED, node, f"{text}\n", stream="stdout", notice=True)

    def types(self, node: str, text: str, *, secret: bool = False) -> None:
        """Somebody types."""
        if secret:
            self.hidden[node].append(text)
        detail = {"secret": True} if secret else {}
        self.tell(Kind.TYPED, node, MASK if secret else text, **detail)

    def ends(self, node: str, status: int = 0, by: str = "itself") -> None:
        """A program ends."""
        self.tell(Kind.EXITED, node, status=status, by=by)

    # What clients of the chat do.

    def asked_for_login(self, node: str, name: str, password: str) -> None:
        """Somebody answers the first two prompts."""
        self.shows(node, "Enter your username: ")
        self.types(node, name)
        self.shows(node, "Enter your password: ")
        self.types(node, password, secret=True)

    def let_in(self, node: str) -> None:
        """The password was right."""
        self.shows(node, "Authentication successful!\n")
        self.shows(node, "LIST AVAILABLE CLIENTS: Y/N\n")

    def logs_in(self, *nodes: str) -> None:
        """They log in, one after the other."""
        for node in nodes:
            self.asked_for_login(node, node, PASSWORD)
            self.let_in(node)

    def lists(self, node: str, *clients: str) -> None:
        """Somebody asks who is there, and these are, with labels in their order."""
        self.types(node, "Y")
        listed = {
            f"USER {number}": (self.ip(name), 40000 + number)
            for number, name in enumerate(clients, start=1)
        }
        self.shows(node, f"Available clients are: {listed}\n")
        self.shows(node, "Enter number of recipients: ")

    def sends(self, node: str, label: str, text: str) -> None:
        """Somebody who has the list sends a message."""
        self.types(node, "1")
        self.shows(node, "Enter recipient's username: ")
        self.types(node, label)
        self.shows(node, "Enter message to send: ")
        self.types(node, text)
        self.shows(node, "LIST AVAILABLE CLIENTS: Y/N\n")

    def hears(self, node: str, sender: str, text: str) -> None:
        """A message arrives."""
        self.notices(node, f"2026-01-02 03:04:05 Received message from {sender}: {text}")

    def ip(self, node: str) -> str:
        """The address of a node."""
        return f"10.9.8.{2 + [known.partition('=')[0] for known in self.nodes].index(node)}"

    # What becomes of it.

    def base(self) -> Base:
        """What the session began with."""
        self.folder.mkdir(exist_ok=True)
        scratch = self.folder / f"scratch-{len(list(self.folder.iterdir()))}"
        scratch.mkdir()
        return base_of_nodes(self.nodes, self.out, self.programs, self.programs, scratch)

    def told(self, delivery: dict[str, int] | None = None) -> list[Recording]:
        """The ways to tell it: with actions, then without, where that is different."""
        return list(recordings(self.base(), self.events, self.hidden, delivery))

    def load(self, recording: Recording) -> Scenario:
        """The scenario, as the loader understands what is written."""
        self.out.write_text(recording.text, encoding="utf-8")
        return load_scenario(self.out, programs=self.programs)

    def steps(self, *, lifted: bool = True) -> list[str]:
        """The steps as they are written; the whole is a scenario."""
        recording = self.told()[0 if lifted else -1]
        assert len(self.load(recording).steps) == recording.steps
        lines = recording.text.splitlines()
        return [line.removeprefix("  - ") for line in _below(lines, "steps:")]


def _below(lines: Sequence[str], head: str) -> list[str]:
    found = []
    for line in lines[lines.index(head) + 1 :]:
        if not line.startswith(" "):
            break
        found.append(line)
    return found
