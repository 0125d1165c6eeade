"""scenario.yaml -> Scenario: everything is looked at, and told, before anything starts."""

import os
import stat
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Final

from peerlab.errors import UsageError
from peerlab.scenario.checks import read_check
from peerlab.scenario.course import report_impossible
from peerlab.scenario.kinds import (
    DURATION,
    ENVIRONMENT,
    LINE,
    NAME,
    NODES,
    PROGRAM_NAME,
    TEXT,
    Fields,
    Form,
    Key,
    list_of,
    mapping_of,
    raw,
)
from peerlab.scenario.model import (
    DEFAULT_WITHIN,
    CheckSpec,
    Node,
    Program,
    Scenario,
    Step,
    Together,
    WireStep,
)
from peerlab.scenario.network import NETWORK, read_network
from peerlab.scenario.program import read_program
from peerlab.scenario.reading import Reading, suggest
from peerlab.scenario.source import Span, quoted
from peerlab.scenario.steps import Cast, read_steps, refuse_reserved
from peerlab.scenario.tree import Entries, Items, Scalar, Tree
from peerlab.scenario.values import variable_of
from peerlab.scenario.wire import Wire

_PROGRAM: Final = Key("program", PROGRAM_NAME, "the program that it runs", required=True)
_ENVIRONMENT: Final = Key("environment", ENVIRONMENT, "environment variables of this node")
NODE: Final = Form("a node", (_PROGRAM, _ENVIRONMENT))

_TITLE: Final = Key("title", LINE, "what the scenario shows, in one line", required=True)
_ABOUT: Final = Key("about", TEXT, "what to observe, and why")
_WITHIN: Final = Key("within", DURATION, "how long expectations wait (default 10s)")
_PROGRAMS: Final = Key(
    "programs",
    raw(mapping_of(LINE, keys=PROGRAM_NAME.schema)),
    "names to program files, relative to this file",
)
_NAMES: Final = list_of(NAME, "a list of names")
_SECRETS: Final = Key(
    "secrets", _NAMES, "names of what is typed and not written down; each run is given the values"
)
_NODES: Final = Key(
    "nodes",
    raw(
        {
            "type": "object",
            "minProperties": 1,
            "propertyNames": NODES.schema,
            "additionalProperties": {"anyOf": [PROGRAM_NAME.schema, NODE.schema()]},
        }
    ),
    "names, or ranges of them, to programs",
    required=True,
)
_NETWORK: Final = Key(
    "network", raw(NETWORK.schema()), "segments, routers, and what the wire does from the start"
)
_STEPS: Final = Key(
    "steps",
    raw({"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/step"}}),
    "what is done with the nodes, one after the other",
    required=True,
)
_CHECKS: Final = Key(
    "checks",
    raw({"type": "array", "items": {"$ref": "#/$defs/check"}}),
    "what must be true of everything that was recorded",
)
SCENARIO: Final = Form(
    "a scenario", (_TITLE, _ABOUT, _WITHIN, _PROGRAMS, _SECRETS, _NETWORK, _NODES, _STEPS, _CHECKS)
)


def load_scenario(
    path: Path, *, programs: Mapping[str, Path], instead: Mapping[str, Path] | None = None
) -> Scenario:
    """Read a scenario and the program files of its nodes.

    Args:
        path: the scenario's file.
        programs: program files by name; the scenario's own `programs` go before them.
        instead: program files that go before the scenario's own.

    Raises:
        ScenarioError: anything in these files is wrong; has all of it.
    """
    return _load(Reading(), path, programs, instead or {})


def _load(
    reading: Reading, path: Path, programs: Mapping[str, Path], instead: Mapping[str, Path]
) -> Scenario:
    source, tree = reading.tree(path)
    fields = SCENARIO.read(reading, tree)
    if fields is None:
        reading.finish()
        raise AssertionError("a scenario that cannot be read is reported")
    loader = _Loader(reading, path, programs, instead)
    scenario = loader.load(fields, source.text)
    reading.finish()
    return scenario


def load_recorded(path: Path, *, programs: Mapping[str, Path]) -> Scenario:
    """Read a scenario and its programs as evidence has them, to judge a run and not to play it.

    Args:
        path: the scenario's file.
        programs: the program files by name; where the scenario says they are does not count.

    Raises:
        ScenarioError: anything in these files is wrong; has all of it.
    """
    return _load(Reading(recorded=True), path, {}, programs)


def scenario_name(path: Path) -> str:
    """`login/wrong-password` for the file of that path below a directory `scenarios`.

    The nearest such directory counts; without one it is the file's name without its suffix.
    """
    parts = path.absolute().with_suffix("").parts
    below = [index for index, part in enumerate(parts[:-1]) if part == "scenarios"]
    return "/".join(parts[below[-1] + 1 :]) if below else parts[-1]


def find_scenarios(paths: Iterable[Path]) -> list[Path]:
    """Scenario files: files as they are given, and what lies below directories, sorted.

    Below directories, program files and whatever is hidden are left out.

    Raises:
        UsageError: a path is not there, or there is no scenario at all.
    """
    found: list[Path] = []
    places = list(paths)
    for place in places:
        try:
            is_directory = stat.S_ISDIR(place.stat().st_mode)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            hint = "give files or directories that are there"
            raise UsageError(f"cannot read {str(place)!r}: {reason}", hint=hint) from None
        if is_directory:
            found += sorted(path for path in place.rglob("*") if _is_scenario(path, place))
        else:
            found.append(place)
    if not found:
        hint = "scenarios are files with the suffix .yaml or .yml"
        looked_in = ", ".join(repr(str(place)) for place in places)
        raise UsageError(f"found no scenario in {looked_in or 'no path at all'}", hint=hint)
    return list(dict.fromkeys(found))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        # Too long a name, or a directory that may not be looked into.
        return False


def _is_scenario(path: Path, below: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(below).parts)
    is_yaml = path.suffix in (".yaml", ".yml") and path.stem != "program"
    return is_yaml and not hidden and path.is_file()


class _Loader:
    """Reads the parts of one scenario, in the order in which they need each other."""

    def __init__(
        self,
        reading: Reading,
        path: Path,
        programs: Mapping[str, Path],
        instead: Mapping[str, Path],
    ) -> None:
        self._reading = reading
        self._instead = instead
        self._path = path
        self._paths = {**programs, **instead}
        self._programs: dict[str, Program | None] = {}
        self._nodes: dict[str, Node] = {}
        self._program_of: dict[str, str] | None = None
        self._places: dict[str, Span] = {}

    def load(self, fields: Fields, text: str) -> Scenario:
        """The scenario, as far as it could be read."""
        self._read_programs(fields)
        self._read_nodes(fields)
        self._check_order(fields)
        places = None if self._program_of is None else self._places
        network, wire = read_network(self._reading, fields.get(_NETWORK), places)
        scenario = Scenario(
            name=scenario_name(self._path),
            path=self._path,
            text=text,
            title=fields.get(_TITLE) or "",
            about=fields.get(_ABOUT) or "",
            within=fields.get(_WITHIN) or DEFAULT_WITHIN,
            nodes=self._nodes,
            secrets=(secrets := self._read_secrets(fields)),
            steps=self._read_steps(fields, wire, secrets),
            checks=self._read_checks(fields),
            network=network,
        )
        report_impossible(self._reading, scenario)
        return scenario

    def _read_programs(self, fields: Fields) -> None:
        tree = fields.get(_PROGRAMS)
        entries = None if tree is None else self._reading.entries(tree, "a mapping of names")
        own: dict[str, Span] = {}
        for key, value in entries.pairs if entries is not None else ():
            name, place = PROGRAM_NAME.read(self._reading, key), LINE.read(self._reading, value)
            if name is not None and place is not None and name in self._instead:
                own[name] = value.span
            elif name is not None and place is not None:
                # Not resolved: messages show the path from where the person stands.
                self._paths[name] = Path(os.path.normpath(self._path.parent / place))
                own[name] = value.span
            elif name is not None:
                self._programs[name] = None
        for name, span in own.items():
            self._program(name, span)

    def _program(self, name: str, span: Span) -> Program | None:
        """The program of that name, read once; a name without one is told at `span`."""
        if name in self._programs:
            return self._programs[name]
        path = self._paths.get(name)
        if path is None:
            message = f"unknown program {quoted(name)}"
            hint = suggest(name, sorted(self._paths))
            self._reading.report("unknown-program", message, span, hint)
            return None
        program = None
        if _is_file(path):
            known = None if self._reading.recorded else self._paths
            program = read_program(self._reading, name, path, known)
        else:
            message = f"there is no program file {str(path)!r}"
            self._reading.report("unreadable-file", message, span)
        self._programs[name] = program
        return program

    def _read_nodes(self, fields: Fields) -> None:
        tree = fields.get(_NODES)
        entries = None if tree is None else self._reading.entries(tree, "a mapping of nodes")
        if entries is None:
            return
        if not entries.pairs:
            message = "got an empty mapping, expected at least one node"
            self._reading.report("empty", message, entries.span)
        self._program_of = {}
        for key, value in entries.pairs:
            program, environment = self._read_node(value)
            for name in NODES.read(self._reading, key) or ():
                refuse_reserved(self._reading, name, key.span)
                if name in self._program_of:
                    message = f"got the node {name!r} twice, expected it once"
                    self._reading.report("duplicate-node", message, key.span)
                self._program_of[name] = program or ""
                self._places[name] = key.span
                known = self._programs.get(program or "")
                if known is not None:
                    self._nodes[name] = Node(name, known, environment, key.span)

    def _read_node(self, tree: Tree) -> tuple[str | None, Mapping[str, str]]:
        environment: Mapping[str, str] = {}
        where = tree
        if isinstance(tree, Entries):
            fields = NODE.read(self._reading, tree)
            if fields is None:
                return None, {}
            program, environment = fields.get(_PROGRAM), fields.get(_ENVIRONMENT) or {}
            where = fields.tree(_PROGRAM) or tree
        else:
            program = PROGRAM_NAME.read(self._reading, tree)
        if program is not None:
            self._program(program, where.span)
        return program, environment

    def _check_order(self, fields: Fields) -> None:
        waits = {node.program.name: node.program.after for node in self._nodes.values()}
        try:
            TopologicalSorter(waits).prepare()
        except CycleError as error:
            circle = " after ".join(reversed(error.args[1]))
            message = f"programs wait for each other: {circle}"
            hint = "take one of them out of 'after' in its program file"
            self._reading.report("circular-after", message, fields.span(_NODES), hint)

    def _read_secrets(self, fields: Fields) -> tuple[str, ...]:
        names, tree = fields.get(_SECRETS) or (), fields.tree(_SECRETS)
        given_as: dict[str, str] = {}
        for item in tree.items if isinstance(tree, Items) else ():
            if not isinstance(item, Scalar) or item.text not in names:
                continue
            variable = variable_of(item.text)
            if variable in given_as:
                message = (
                    f"got the secrets {given_as[variable]!r} and {item.text!r}, "
                    f"expected names that {variable} tells apart"
                )
                self._reading.report("bad-name", message, item.span, "choose another name")
            given_as[variable] = item.text
            self._reading.declare(item.text, item.span)
        return names

    def _read_steps(
        self, fields: Fields, wire: Wire, secrets: tuple[str, ...]
    ) -> tuple[Step | Together | WireStep, ...]:
        tree = fields.get(_STEPS)
        cast = Cast(self._program_of, self._programs, wire, frozenset(secrets))
        return () if tree is None else read_steps(self._reading, tree, cast)

    def _read_checks(self, fields: Fields) -> tuple[CheckSpec, ...]:
        tree = fields.get(_CHECKS)
        items = None if tree is None else self._reading.items(tree, "a list of checks")
        checks = [read_check(self._reading, item, self._program_of) for item in items or ()]
        return tuple(check for check in checks if check is not None)
