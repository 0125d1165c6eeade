"""The steps of a scenario: what nodes and wire do, one after the other or together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from peerlab.scenario.acts import Setting, read_act
from peerlab.scenario.kinds import read_nodes
from peerlab.scenario.model import Act, Program, Step, Together, WireStep
from peerlab.scenario.reading import SECRET, Reading, Scope
from peerlab.scenario.source import Span
from peerlab.scenario.tree import Items, Scalar, Tree
from peerlab.scenario.wire import Wire, read_wire

TOGETHER: Final = "together"
WIRE_STEP: Final = "wire"
RESERVED_NODES: Final = frozenset({"node", TOGETHER, WIRE_STEP, SECRET})
"""Words of the language that neither a node nor a router can be called."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Who is there: the nodes' programs by name, those that could be read, and the wire.

    Without `program_of` the nodes could not be read.
    """

    program_of: Mapping[str, str] | None
    programs: Mapping[str, Program | None]
    wire: Wire
    secrets: frozenset[str] = frozenset()

    @property
    def scope(self) -> Scope | None:
        """The variables of the steps."""
        if self.program_of is None:
            return None
        return Scope(nodes=frozenset(self.program_of) | {"node"}, declared=self.secrets)

    def setting(self, program_name: str) -> Setting:
        """What the acts of a node with that program may refer to."""
        program = self.programs.get(program_name)
        nodes = None if self.program_of is None else tuple(self.program_of)
        if program is None:
            return Setting(self.scope, None, nodes)
        return Setting(
            self.scope,
            program.actions,
            nodes,
            has_notices=program.notices is not None,
            program=program_name,
        )


def refuse_reserved(reading: Reading, name: str, span: Span) -> None:
    """Report a name of a node or router that is a word of the language."""
    if name in RESERVED_NODES:
        message = f"the name {name!r} is a word of the language"
        reading.report("bad-name", message, span, "choose another name")


def read_steps(reading: Reading, tree: Tree, cast: Cast) -> tuple[Step | Together | WireStep, ...]:
    """The list of a scenario's steps; those that are wrong are left out."""
    steps: list[Step | Together | WireStep] = []
    with reading.scope(cast.scope):
        for item in _items(reading, tree):
            steps += _read_step(reading, item, cast)
    return tuple(steps)


def _items(reading: Reading, tree: Tree) -> tuple[Tree, ...]:
    items = reading.items(tree, "a list of steps") or ()
    if not items and isinstance(tree, Items):
        reading.report("empty", "got an empty list, expected at least one step", tree.span)
    return items


def _read_step(reading: Reading, tree: Tree, cast: Cast) -> Sequence[Step | Together | WireStep]:
    pair = _only_pair(reading, tree)
    if pair is None:
        return ()
    key, value = pair
    if key.text == WIRE_STEP:
        wire_act = read_wire(reading, value, cast.wire)
        return () if wire_act is None else (WireStep(wire_act, reading.one_line(tree), tree.span),)
    if key.text != TOGETHER:
        steps = _read_acts(reading, tree, pair, cast)
        # Nodes of different programs: what is one step to a person differs between them.
        return (Together(steps, tree.span),) if len(steps) > 1 else steps
    inner: list[Step] = []
    for item in _items(reading, value):
        its_pair = _only_pair(reading, item)
        if its_pair is None:
            continue
        if its_pair[0].text == TOGETHER:
            message, span = "got 'together' inside 'together'", its_pair[0].span
            reading.report("misplaced-step", message, span, "one of them is enough")
        elif its_pair[0].text == WIRE_STEP:
            read_wire(reading, its_pair[1], cast.wire)
            message, span = "got 'wire' inside 'together'", its_pair[0].span
            hint = "put it before or after: what it is for has to be certain"
            reading.report("misplaced-step", message, span, hint)
        else:
            inner += _read_acts(reading, item, its_pair, cast)
    return (Together(tuple(inner), tree.span),)


def _only_pair(reading: Reading, tree: Tree) -> tuple[Scalar, Tree] | None:
    entries = reading.entries(tree, "a step: a node and what is done with it")
    if entries is None:
        return None
    if len(entries.pairs) == 1:
        return entries.pairs[0]
    message = (
        f"got {len(entries.pairs)} keys in one step, expected one: a node, 'together' or 'wire'"
    )
    span = entries.pairs[1][0].span if entries.pairs else entries.span
    reading.report("one-at-a-time", message, span, "begin every step with '- '")
    return None


def _read_acts(
    reading: Reading, tree: Tree, pair: tuple[Scalar, Tree], cast: Cast
) -> tuple[Step, ...]:
    """The step on `tree`: one, or one for each of the programs that play it differently."""
    key, value = pair
    names = read_nodes(reading, key, cast.program_of)
    by_program: dict[str, list[str]] = {}
    for name in names:
        by_program.setdefault((cast.program_of or {}).get(name, ""), []).append(name)
    played: list[tuple[Act, list[str]]] = []
    # Without a readable name the act is read all the same, for the problems in it.
    for program, its_nodes in (by_program or {"": []}).items():
        act = read_act(reading, value, cast.setting(program))
        if act is None:
            continue
        same = next((nodes for other, nodes in played if other == act), None)
        if same is None:
            played.append((act, its_nodes))
        else:
            same += its_nodes
    text = reading.one_line(tree)
    return tuple(
        Step(tuple(sorted(nodes, key=names.index)), act, text, tree.span) for act, nodes in played
    )
