"""A scenario and the programs in it, as plain frozen data.

`load.py` makes these from YAML text; everything else only reads them. Every part that can
turn out wrong later keeps the span of text that it came from.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from peerlab.scenario.source import Span
from peerlab.scenario.values import Pattern, Template

DEFAULT_WITHIN = 10.0
"""Seconds that an expectation waits unless it or its scenario says otherwise."""

GRACE = 10.0
"""Seconds that a program may take to end after SIGTERM before it is killed, as in `docker stop`."""


# Acts: what is done with one node. The dialogues of a program are made of them too.


@dataclass(frozen=True, slots=True)
class Type:
    """Type a line into the node's standard input."""

    text: Template
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Expect:
    """Wait until the node's dialogue shows the pattern; consume everything up to its end.

    With `learn`, every match of that pattern inside the text just matched belongs to the node
    whose address is its group `ip`; the other groups become variables of that node.
    """

    pattern: Pattern
    within: float | None = None
    learn: Pattern | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """Wait for a line that the program prints unasked (its `notices`); consume only that line."""

    pattern: Pattern
    within: float | None = None


@dataclass(frozen=True, slots=True)
class Choose:
    """Wait until one of the patterns shows; the first one shown decides which acts follow."""

    branches: tuple[tuple[Pattern, tuple["Act", ...]], ...]
    within: float | None = None


@dataclass(frozen=True, slots=True)
class Each:
    """Do the acts once for every node of a parameter of kind nodes, bound to the same name."""

    parameter: str
    acts: tuple["Act", ...]


@dataclass(frozen=True, slots=True)
class Start:
    """Start the node's program. A node with such a step is not started before."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Let the whole node stand still until it is resumed."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Let a paused node go on."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Ask the node's program to end; kill it where it has not within so many seconds."""

    within: float


@dataclass(frozen=True, slots=True)
class Restart:
    """Start the node's program again, at the same address; one that still runs is stopped before.

    `within` is for the stop.
    """

    within: float


@dataclass(frozen=True, slots=True)
class Unplug:
    """Pull the node's cable: nothing gets to it or from it any more, and it sees that."""


@dataclass(frozen=True, slots=True)
class Plug:
    """Put the node's cable back; its address is the same."""


@dataclass(frozen=True, slots=True)
class StaysSilent:
    """Watch that the node prints nothing new for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class EndInput:
    """Close the node's standard input."""


class Signal(StrEnum):
    """Signals that a step can send to a node's program."""

    INTERRUPT = "interrupt"
    KILL = "kill"


@dataclass(frozen=True, slots=True)
class SendSignal:
    """Interrupt (as Ctrl-C does) or kill the node's program."""

    signal: Signal


@dataclass(frozen=True, slots=True)
class Exits:
    """Wait until the node's program has ended with this status; None: with any."""

    status: int | None
    within: float | None = None


@dataclass(frozen=True, slots=True)
class Perform:
    """Play an action of the node's program. Arguments not given have their defaults already.

    `nodes` holds the parameters of kind node and nodes, `texts` those of kind text.
    """

    action: str
    texts: Mapping[str, Template]
    nodes: Mapping[str, tuple[str, ...]]


Act = (
    Type
    | Expect
    | Notice
    | Choose
    | Each
    | Start
    | Pause
    | Resume
    | Stop
    | Restart
    | Unplug
    | Plug
    | StaysSilent
    | EndInput
    | SendSignal
    | Exits
    | Perform
)


# The network: what the wire does to what passes


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that the wire does to the packets that it speaks about, while it is in force.

    Attributes:
        source: the nodes that the packets come from; None: any.
        target: the nodes that they are for; None: any.
        protocol: `udp` or `tcp`; None: all of IPv4.
        port: source or destination port; None: any.
        effect: what is done, by a name of `peerlab.wire.rules`.
        arguments: what the effect needs to know; durations in seconds, chances from 0 to 1.
        shown: the same for people, as in the scenario: `drop: 2`.
    """

    source: tuple[str, ...] | None
    target: tuple[str, ...] | None
    protocol: str | None
    port: int | None
    effect: str
    arguments: Mapping[str, object]
    shown: str

    def as_dict(self, rule_id: str, name: str | None) -> dict[str, object]:
        """The rule as the wire reads it."""
        return {
            "id": rule_id,
            "name": name,
            "shown": self.shown,
            "from": self.source,
            "to": self.target,
            "protocol": self.protocol,
            "port": self.port,
            "effect": self.effect,
            **self.arguments,
        }


@dataclass(frozen=True, slots=True)
class Impair:
    """Put rules in force, all at once, under one name if they have one."""

    rules: tuple[Rule, ...]
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Heal:
    """End what the wire does under that name; None: all of it."""

    name: str | None = None


WireAct = Impair | Heal


class NatBehaviour(StrEnum):
    """How a NAT maps addresses, or filters what comes in, in the terms of RFC 4787."""

    ENDPOINT_INDEPENDENT = "endpoint-independent"
    ADDRESS_DEPENDENT = "address-dependent"
    ADDRESS_AND_PORT_DEPENDENT = "address-and-port-dependent"


@dataclass(frozen=True, slots=True)
class Nat:
    """A NAT: its mapping (RFC 4787, section 4.1) and filtering (section 5).

    Attributes:
        timeout: seconds after which a UDP mapping without traffic from inside is forgotten.
    """

    mapping: NatBehaviour
    filtering: NatBehaviour
    timeout: float


@dataclass(frozen=True, slots=True)
class Router:
    """A router, on at least two segments. With a NAT the first of them is its inside."""

    name: str
    segments: tuple[str, ...]
    nat: Nat | None
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Network:
    """The topology, and what the wire does from the start.

    Attributes:
        segments: the nodes on each segment; together, each node once.
        captures: whether what passes is captured always.
    """

    segments: Mapping[str, tuple[str, ...]]
    routers: Mapping[str, Router]
    impairments: tuple[Impair, ...]
    captures: bool = False


# Programs


class ParameterKind(StrEnum):
    """What an action's parameter takes."""

    TEXT = "text"
    NODE = "node"
    NODES = "nodes"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One thing that an action takes. Without a default it must be given."""

    name: str
    kind: ParameterKind = ParameterKind.TEXT
    default: Template | None = None
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Sends:
    """The message that an action sends: its text, and the parameter with the nodes it is for."""

    text: Template
    to: str


@dataclass(frozen=True, slots=True)
class Action:
    """A small dialogue with a name. Its first parameter is the value beside its name.

    Attributes:
        sends: the message that has been sent when the dialogue has come to its end.
    """

    name: str
    parameters: tuple[Parameter, ...]
    dialogue: tuple[Act, ...]
    sends: Sends | None = None


@dataclass(frozen=True, slots=True)
class Build:
    """How to build a program's image: a directory with a Dockerfile, and a target in it."""

    context: Path
    target: str | None
    dockerfile: Path


@dataclass(frozen=True, slots=True)
class Local:
    """How to run a program where no container engine is used: what, and in which directory.

    Without a command the program can be run from its image alone.
    """

    command: tuple[str, ...] | None
    working_dir: Path


class TerminalKind(StrEnum):
    """How a program's standard streams are connected."""

    PIPE = "pipe"
    PTY = "pty"


@dataclass(frozen=True, slots=True)
class Messages:
    """How a program's output tells which messages it sent and received, one pattern a line.

    Named groups: `to` / `from` (the other's IP address or label), the message as it is in `text`,
    or as a JSON string in `quoted`, and perhaps its unique `id`. Lines with an id are for nobody
    else.
    """

    sent: Pattern | None = None
    received: Pattern | None = None


@dataclass(frozen=True, slots=True)
class Presence:
    """How a program's output tells who is there, one pattern a line.

    Attributes:
        joined: the program is in from now on.
        listed: the program was told who is there.
        entry: one of those in such a line; its named group `ip` is the address.
    """

    joined: Pattern
    listed: Pattern
    entry: Pattern


@dataclass(frozen=True, slots=True)
class Program:
    """What a node runs, read from a program.yaml. It has an image, a local command, or both."""

    name: str
    path: Path
    about: str
    image: str | None
    build: Build | None
    command: tuple[str, ...] | None
    without_image: Local
    environment: Mapping[str, str]
    terminal: TerminalKind
    after: tuple[str, ...]
    ready: Pattern | None
    notices: Pattern | None
    messages: Messages
    actions: Mapping[str, Action]
    presence: Presence | None = None
    streams: Pattern | None = None
    text: str = field(default="", compare=False, repr=False)
    """The program file, as it was read."""


# Scenarios

CHECKS_OF_CAPTURES: Final = frozenset({"capture", "traffic"})
"""Checks that look into captures, so that a scenario with one of them is captured."""


@dataclass(frozen=True, slots=True)
class Node:
    """One host of the lab: its name, its program, and what it sets in the environment."""

    name: str
    program: Program
    environment: Mapping[str, str]
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Step:
    """One act on one node, or on several nodes at once."""

    nodes: tuple[str, ...]
    act: Act
    text: str
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class WireStep:
    """A step of the network's own, between those of the nodes."""

    act: WireAct
    text: str
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Together:
    """Steps played at the same time; the steps of one node keep their order."""

    steps: tuple[Step, ...]
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class CheckSpec:
    """A check as the scenario asks for it: its name and its arguments, already validated.

    Attributes:
        title: what people are to call it.
        points: what it is worth.
        partial: whether what is partly right gets its share of the points.
        visibility: when a student is to see what came of it.
    """

    name: str
    arguments: Mapping[str, object]
    text: str
    span: Span = field(compare=False)
    title: str | None = None
    points: float | None = None
    partial: bool = False
    visibility: str = "visible"

    @property
    def where(self) -> tuple[int, int]:
        """Line and column."""
        return self.span.line, self.span.column


@dataclass(frozen=True, slots=True)
class Scenario:
    """A whole scenario, ready to be played."""

    name: str
    path: Path
    text: str
    title: str
    about: str
    within: float
    nodes: Mapping[str, Node]
    steps: tuple[Step | Together | WireStep, ...]
    checks: tuple[CheckSpec, ...]
    network: Network
    secrets: tuple[str, ...] = ()
    """Names of what is typed and stands nowhere: the values are given to each run."""

    @property
    def programs(self) -> Mapping[str, Program]:
        """The programs of the nodes, by name."""
        return {node.program.name: node.program for node in self.nodes.values()}

    @property
    def single_steps(self) -> tuple[Step, ...]:
        """All steps of nodes in the order of the file, those under `together` among the others."""
        return tuple(
            single
            for step in self.steps
            if not isinstance(step, WireStep)
            for single in (step.steps if isinstance(step, Together) else (step,))
        )

    @property
    def scripts_network(self) -> bool:
        """Whether the network is other than one plain segment at any time."""
        return (
            bool(self.network.routers or self.network.impairments)
            or len(self.network.segments) > 1
            or any(isinstance(step, WireStep) for step in self.steps)
            or any(isinstance(step.act, Unplug | Plug) for step in self.single_steps)
        )

    @property
    def wants_captures(self) -> bool:
        """Whether what passes is to be captured where that is possible, unasked."""
        return self.network.captures or any(
            check.name in CHECKS_OF_CAPTURES for check in self.checks
        )

    @property
    def started_by_step(self) -> frozenset[str]:
        """The nodes that a step starts."""
        return frozenset(
            node for step in self.single_steps if isinstance(step.act, Start) for node in step.nodes
        )
