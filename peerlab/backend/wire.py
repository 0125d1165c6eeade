"""Steers the wire of a lab, maybe several processes: says what to do, waits until it is done."""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from peerlab.backend.base import Arrival, Departure
from peerlab.backend.topology import Topology
from peerlab.errors import LabError, MachineUnfit

_MOST_INTRODUCED: Final = 200
"""The size of a segment beyond which its nodes ask for each other themselves: it takes the square
of it in time."""

_WITHIN: Final = 15.0
"""Seconds that a wire may take to do what it is told."""

Command = Mapping[str, object]


def without_netem(reason: str) -> MachineUnfit:
    """Say that the kernel lacks what `--wire native` needs."""
    return MachineUnfit(
        f"the kernel of this machine has no netem that `--wire native` could use: {reason}",
        hint="`sudo modprobe sch_netem` where there is such a module (Fedora has it in "
        "kernel-modules-extra); or leave out `--wire native`",
    )


class WireControl:
    """One process of the wire, as the runner sees it. Safe for threads."""

    def __init__(self, name: str, say: Callable[[bytes], object]) -> None:
        """Take how it is called in messages, and what writes a line to it."""
        self._name = name
        self._say = say
        self._changed = threading.Condition()
        self._saying = threading.Lock()
        self._asked = 0
        self._answers: dict[int, Mapping[str, Any]] = {}
        self._lost: str | None = None

    def begin(self, command: Command) -> int:
        """Tell it to do something; the number by which to wait for that.

        Raises:
            LabError: it is gone.
        """
        with self._changed:
            self._asked += 1
            number = self._asked
        line = json.dumps({**command, "reply": number}).encode() + b"\n"
        try:
            with self._saying:  # two lines at once would be none
                self._say(line)
        except OSError as error:
            raise LabError(f"{self._name} is gone: {self._lost or error}") from error
        return number

    def wait(self, number: int) -> Mapping[str, Any]:
        """Wait until it has done that; its answer.

        Raises:
            LabError: it refused, is gone, or says nothing.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: number in self._answers or self._lost is not None, _WITHIN
            )
            answer = self._answers.pop(number, None)
            if answer is None:
                raise LabError(f"{self._name} {self._lost or f'says nothing for {_WITHIN:g} s'}")
        if answer["record"] == "refused":
            raise LabError(f"{self._name} cannot do what the scenario asks: {answer['reason']}")
        return answer

    def take(self, record: Mapping[str, Any]) -> bool:
        """Take in what it says; False: that is no answer."""
        if record["record"] not in {"done", "refused"}:
            return False
        number = record.get("reply") or record["command"].get("reply")
        with self._changed:
            self._answers[number] = record
            self._changed.notify_all()
        return True

    def lost(self, reason: str) -> None:
        """Take in that it is gone."""
        with self._changed:
            self._lost = self._lost or f"is gone: {reason}"
            self._changed.notify_all()


class Wires:
    """All processes of a lab's wire together."""

    def __init__(self, controls: Sequence[WireControl]) -> None:
        self._controls = controls

    def put(self, rules: Sequence[Command]) -> None:
        """Put rules in force.

        Raises:
            LabError: a wire does not do it.
        """
        self.ask({"command": "rules", "rules": rules})

    def heal(self, name: str | None) -> None:
        """End the rules of that name; None: all.

        Raises:
            LabError: a wire does not do it.
        """
        self.ask({"command": "heal", "name": name})

    def check(self) -> None:
        """Wait until it shows that it is at work.

        Raises:
            LabError: a wire does not.
        """
        self.ask({"command": "who"})

    def plug(self, node: str, *, connected: bool) -> None:
        """Put a node's cable in, or pull it.

        Raises:
            LabError: a wire does not do it.
        """
        self.ask({"command": "plug", "node": node, "connected": connected})

    def introduce(self, topology: Topology) -> None:
        """Let all nodes know the hardware addresses of their neighbours, before they ask for them.

        Raises:
            LabError: a wire does not do it.
        """
        told = self.ask({"command": "who"})
        macs = {ip: mac for answer in told for ip, mac in answer["macs"].items()}
        neighbours = {
            str(own.ip): [(str(ip), macs[str(ip)]) for ip in others if ip != own.ip]
            for own, others in topology.neighbours()
            if len(others) <= _MOST_INTRODUCED
        }
        self.ask({"command": "introduce", "neighbours": neighbours})

    def measure(
        self, trials: Sequence[Command], seconds: float
    ) -> tuple[Sequence[Departure], Sequence[Arrival]]:
        """Send datagrams on trial (`peerlab.wire.trial`), and wait for so long for what arrives.

        Raises:
            LabError: a wire does not do it.
        """
        opened = self.ask({"command": "trials", "trials": trials})
        macs = {name: mac for answer in opened for name, mac in answer["macs"].items()}
        self.ask({"command": "try", "macs": macs})
        told = self.ask({"command": "judge", "after": seconds})
        return (
            [Departure(*each) for answer in told for each in answer["sent"]],
            [Arrival(*each) for answer in told for each in answer["arrived"]],
        )

    def ask(self, command: Command) -> list[Mapping[str, Any]]:
        """Have all of them do something; their answers.

        Raises:
            LabError: a wire does not do it.
        """
        begun = [(control, control.begin(command)) for control in self._controls]
        return [control.wait(number) for control, number in begun]
