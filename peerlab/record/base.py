"""What a recording begins with: nodes and a network, named on the command line or elsewhere."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from peerlab.errors import UsageError
from peerlab.record.writing import Draft
from peerlab.scenario.load import load_scenario, scenario_name
from peerlab.scenario.model import Scenario
from peerlab.scenario.reading import suggest
from peerlab.scenario.steps import RESERVED_NODES
from peerlab.scenario.tree import Entries, Scalar, Tree, read_tree
from peerlab.scenario.values import expand_nodes

_NAMED_IN_TITLE = 4


@dataclass(frozen=True, slots=True)
class Base:
    """A scenario without steps: to be played on, and to be written."""

    scenario: Scenario
    draft: Draft


def base_of_nodes(
    given: Sequence[str],
    out: Path,
    programs: Mapping[str, Path],
    shipped: Mapping[str, Path],
    folder: Path,
) -> Base:
    """Take nodes as `NAME=PROGRAM`.

    Args:
        given: the nodes; a name can be a range of them.
        out: the file that is to be written.
        programs: all programs that can be named.
        shipped: those that need not be named in the file.
        folder: for a file of this function's own.

    Raises:
        UsageError: a node or its program is not one.
    """
    nodes: dict[str, str] = {}
    names: list[str] = []
    for word in given:
        name, equals, program = word.partition("=")
        if not (name and equals and program):
            raise UsageError(f"got the node {word!r}, expected NAME=PROGRAM")
        try:
            expanded = expand_nodes(name)
        except ValueError as error:
            raise UsageError(str(error)) from None
        taken = next((one for one in expanded if one in names or one in RESERVED_NODES), None)
        if taken is not None:
            raise UsageError(f"the name {taken!r} is taken", hint="choose another name")
        if program not in programs:
            hint = f"{suggest(program, sorted(programs))}; --program NAME=FILE tells of more"
            raise UsageError(f"unknown program {program!r}", hint=hint)
        nodes[name] = program
        names += expanded
    own = {
        name: Path(os.path.relpath(programs[name], out.parent)).as_posix()
        for name in sorted(set(nodes.values()) - set(shipped))
    }
    draft = Draft(_title(names), nodes, [], [], programs=own)
    seed = folder / "scenarios" / "nodes.yaml"
    seed.parent.mkdir()
    # It needs a step to be a scenario; the lab is begun without it.
    text = replace(draft, steps=[f"{names[0]}: eof"], programs={}).text()
    seed.write_text(text, encoding="utf-8")
    return Base(_begun(load_scenario(seed, programs=programs), out), draft)


def base_like(like: Path, out: Path, programs: Mapping[str, Path]) -> Base:
    """Take title, nodes, network and programs from another scenario.

    Raises:
        ScenarioError: it is not one.
    """
    scenario = load_scenario(like, programs=programs)
    _, tree, _ = read_tree(like)
    parts = {key.text: value for key, value in tree.pairs} if isinstance(tree, Entries) else {}
    own = parts.get("programs")
    draft = Draft(
        scenario.title,
        parts["nodes"],
        [],
        [],
        programs={
            key.text: Path(os.path.relpath(like.parent / _text(value), out.parent)).as_posix()
            for key, value in (own.pairs if isinstance(own, Entries) else ())
        },
        network=parts.get("network"),
    )
    return Base(_begun(scenario, out), draft)


def _begun(scenario: Scenario, out: Path) -> Scenario:
    return replace(scenario, name=scenario_name(out), path=out, steps=(), checks=(), secrets=())


def _text(tree: Tree) -> str:
    return tree.text if isinstance(tree, Scalar) else ""


def _title(names: Sequence[str]) -> str:
    shown = names if len(names) <= _NAMED_IN_TITLE else [*names[: _NAMED_IN_TITLE - 1], "others"]
    together = " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))
    return f"A recorded session of {together}"
