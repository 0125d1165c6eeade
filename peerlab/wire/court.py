"""Brings datagrams on trial through this part of the wire, and notes which arrive, and when."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from math import inf
from time import monotonic

from peerlab.wire.agenda import Agenda
from peerlab.wire.cable import Cable, Delivery
from peerlab.wire.trial import Trial, carry, digest, sealed, stamp_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from socket import socket

    from peerlab.wire.fabric import Fabric


class Court:
    """The trials that are under way."""

    def __init__(self, trials: Sequence[Trial], ends: Mapping[str, "tuple[bytes, socket]"]) -> None:
        """Take the hardware addresses of the nodes that are here, and sockets at their own ends."""
        self.ends = ends
        self._trials = {trial.number: trial for trial in trials}
        self.sent: list[tuple[int, int, float]] = []
        """Number of the trial, number of the datagram, when it left its node."""
        self.arrived: list[tuple[int, int, float, int]] = []
        """The same of arrivals, and their digests."""

    def send(self, macs: Mapping[str, str]) -> None:
        """Send the datagrams of the nodes that are here, to these hardware addresses."""
        for trial in self._trials.values():
            if trial.sender in self.ends:
                origin, end = self.ends[trial.sender]
                target = bytes.fromhex(macs[trial.receiver])
                for number in range(1, trial.count + 1):
                    with suppress(OSError):  # the kernel says so where its queue is full
                        end.send(trial.frame(number, origin, target))
                    self.sent.append((trial.number, number, monotonic()))

    def take(self, end: "socket") -> None:
        """Note what has arrived at a node's own end of its cable."""
        while True:
            try:
                frame = end.recv(1 << 16)
            except OSError:
                return
            self._note(frame, monotonic())

    def bring(self, fabric: "Fabric", number: int, frame: bytes, at: float) -> None:
        """Bring a datagram that has come in at a place along the cable, and on."""
        trial = self._trial_of(frame)
        if trial is None:
            return
        if fabric.places[number].name is None:
            self._cross(fabric, number, frame, at)
        else:
            go_on = partial(self._cross, fabric, number)
            self._hand_on(fabric.agenda, trial.leaving, carry(trial.leaving, frame, at), at, go_on)

    def close(self) -> None:
        """End all trials."""
        self._trials.clear()
        for _, end in self.ends.values():
            end.close()

    def _cross(self, fabric: "Fabric", number: int, frame: bytes, at: float) -> None:
        """Bring a datagram from the far end of a cable to the node that it is for."""
        trial = self._trial_of(frame)
        if trial is None:
            return
        for target in fabric.targets(frame, number):
            place = fabric.places[target]
            if place.router is not None:
                self._note(frame, at)  # a router has no end of its own to listen at
            elif place.name is None:
                fabric.give(target, frame)
            else:
                cable = trial.arriving
                go_on = partial(_give, fabric, target)
                self._hand_on(fabric.agenda, cable, carry(cable, frame, at), at, go_on)

    def _hand_on(
        self,
        agenda: Agenda,
        cable: Cable,
        deliveries: Iterable[Delivery],
        at: float,
        go_on: Callable[[bytes, float], object],
    ) -> None:
        """Let datagrams go on when they are due."""
        for due, frame in deliveries:
            if due <= at:
                go_on(frame, at)
            else:
                agenda.enter(due, partial(go_on, frame))
        if cable.release_at < inf:

            def release(now: float) -> None:
                if cable.release_at <= now:
                    self._hand_on(agenda, cable, sealed(cable.release(now)), now, go_on)

            agenda.enter(cable.release_at, release)

    def _trial_of(self, frame: bytes) -> Trial | None:
        stamp = stamp_of(frame)
        return None if stamp is None else self._trials.get(stamp[0])

    def _note(self, frame: bytes, at: float) -> None:
        stamp = stamp_of(frame)
        if stamp is not None:
            self.arrived.append((*stamp, at, digest(frame)))


def _give(fabric: "Fabric", number: int, frame: bytes, _at: float) -> None:
    fabric.give(number, frame)
