"""Does what the runner orders, while the wire is at work."""

from collections.abc import Iterable, Iterator, Sequence
from select import EPOLLIN, epoll
from time import monotonic

from peerlab.wire.control import Control
from peerlab.wire.court import Court
from peerlab.wire.fabric import Fabric
from peerlab.wire.flows import Record
from peerlab.wire.netem import options
from peerlab.wire.packet import dotted
from peerlab.wire.ports import Instruct, Port
from peerlab.wire.rules import Rule
from peerlab.wire.trial import FRAME_TYPE, Trial

TYPE_CHECKING = False
if TYPE_CHECKING:
    from socket import socket


class Orders:
    """Orders are carried out one by one, each to its end; only a trial takes its time."""

    def __init__(
        self, fabric: Fabric, ports: Sequence[Port], control: Control, watch: epoll, seed: int
    ) -> None:
        """Take what is ordered about, whom to answer, and what watches further sockets."""
        self._fabric = fabric
        self._ports = ports
        self._control = control
        self._watch = watch
        self._seed = seed
        self._by_kernel: dict[tuple[int, bool], Sequence[Rule]] = {}
        self._tried: list[Instruct] = []
        self._neighbours: dict[str, list[tuple[str, str]]] = {}
        self.ends: dict[int, socket] = {}
        """Sockets at nodes' own ends of their cables, while datagrams are on trial."""

    def take(self, descriptor: int) -> None:
        """Take what has arrived at one of the ends."""
        if self._fabric.court is not None:
            self._fabric.court.take(self.ends[descriptor])

    def obey(self, command: Record, at: float) -> None:  # noqa: C901 - one case a command
        """Do what one command asks for, and answer it.

        Raises:
            KeyError, TypeError, ValueError: it is none.
        """
        match command:
            case {"command": "rules", "rules": [*described], "reply": reply}:
                self._fabric.put([Rule(rule) for rule in described if isinstance(rule, dict)], at)
            case {"command": "heal", "name": str() | None as name, "reply": reply}:
                self._fabric.heal(name, at)
            case {"command": "plug", "node": str(node), "connected": bool(on), "reply": reply}:
                for number in self._fabric.plug(node, connected=on):
                    plug = self._ports[number].plug if number < len(self._ports) else None
                    if plug is not None:
                        plug(on)
                if on:
                    self._introduce(node)  # it has forgotten all when its cable was pulled
            case {"command": "who", "reply": reply}:
                there = {
                    dotted(each.ip): each.mac.hex() for each in self._fabric.places if each.name
                }
                self._done(reply, macs=there)
                return
            case {"command": "introduce", "neighbours": dict(neighbours), "reply": reply}:
                self._neighbours = neighbours
                self._introduce()
            case {"command": "trials", "trials": [*described], "reply": reply}:
                trials = [
                    Trial(each, self._seed, self._fabric.name_of)
                    for each in described
                    if isinstance(each, dict)
                ]
                self._done(reply, macs=self._hold_court(trials))
                return
            case {"command": "try", "macs": dict(macs), "reply": reply} if self._fabric.court:
                self._fabric.court.send(macs)
            case {"command": "judge", "after": int() | float() as after, "reply": reply}:
                self._fabric.agenda.enter(at + after, lambda _at: self._close_court(reply))
                return
            case _:
                raise ValueError(command)
        self._instruct_kernel(at)
        self._done(reply)

    def _instruct_kernel(self, at: float) -> None:
        """Have the kernel follow its rules from now on, and tell where these are new."""
        for number, port in enumerate(self._ports):
            for leaving, instruct in port.native.items():
                rules = self._fabric.by_kernel(number, leaving=leaving)
                if rules != self._by_kernel.get((number, leaving), ()):
                    self._by_kernel[number, leaving] = rules
                    # Without a rule it stays: what is on its way in it would be lost.
                    instruct(options(rules, self._seed, _cable(port, leaving=leaving)))
                    way = "leaving" if leaving else "arriving"
                    places = [rule.place for rule in rules]
                    self._control.tell(
                        {
                            "record": "native",
                            "at": at,
                            "from": port.name,
                            "way": way,
                            "rules": places,
                        },
                        at,
                    )

    def _done(self, reply: object, **told: object) -> None:
        self._control.answer({"record": "done", "at": monotonic(), "reply": reply, **told})

    def _introduce(self, name: str | None = None) -> None:
        """Let the nodes that are here know the addresses of their neighbours; or one of them.

        So a node need not ask: while it waits for the answer what it sends waits, too, and may go
        out later than a rule that is not for it, or behind what it sent after it.
        """
        for port in self._ports:
            known = self._neighbours.get(dotted(port.ip) if port.name else "")
            if known and port.introduce is not None and name in (None, port.name):
                port.introduce({ip: bytes.fromhex(mac) for ip, mac in known})

    def _hold_court(self, trials: Sequence[Trial]) -> dict[str, str]:
        """Open the nodes' own ends of the cables on trial; the addresses of these nodes."""
        names = {name for trial in trials for name in (trial.sender, trial.receiver)}
        ends: dict[str, tuple[bytes, socket]] = {}
        for port in self._ports:
            if port.name in names and port.open_end is not None:
                ends[port.name] = port.mac, port.open_end(FRAME_TYPE)
        self.ends = {end.fileno(): end for _, end in ends.values()}
        for descriptor in self.ends:
            self._watch.register(descriptor, EPOLLIN)
        self._fabric.court = Court(trials, ends)
        for instruct, told in self._kernel_on_trial(trials):
            instruct(told)
            self._tried.append(instruct)
        # Of a router any address will do: what is for it is seen at the far end of its cable.
        return {
            place.name: place.mac.hex()
            for place in reversed(self._fabric.places)
            if place.name in names and place.name is not None
        }

    def _kernel_on_trial(self, trials: Iterable[Trial]) -> Iterator[tuple[Instruct, bytes]]:
        """What the kernel is told for trials."""
        for trial in trials:
            for port in self._ports:
                for leaving, instruct in port.native.items():
                    rules = trial.by_kernel(port.name, leaving=leaving)
                    if rules:
                        yield instruct, options(rules, self._seed, _cable(port, leaving=leaving))

    def _close_court(self, reply: object) -> None:
        court, self._fabric.court = self._fabric.court, None
        for descriptor, end in self.ends.items():
            self._watch.unregister(descriptor)
            if court is not None:
                court.take(end)
        self.ends = {}
        if court is None:
            self._done(reply, sent=[], arrived=[])
        else:
            court.close()
            for instruct in self._tried:
                instruct(None)
            self._tried.clear()
            self._done(reply, sent=court.sent, arrived=court.arrived)


def _cable(port: Port, *, leaving: bool) -> str:
    return f"{'from' if leaving else 'to'} {port.name}"
