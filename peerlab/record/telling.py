"""Single steps of a session, as a scenario writes them."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from peerlab.drive.scope import Scope, Variables
from peerlab.record.confided import Confided
from peerlab.record.lift import Lifted
from peerlab.record.stream import Control, Ended, Item, Typed
from peerlab.record.wording import Wording
from peerlab.record.writing import listed, mapped, plain, quoted
from peerlab.scenario.course import flat
from peerlab.scenario.model import Action, Expect, Parameter, ParameterKind, Program
from peerlab.scenario.values import Pattern, literal


@dataclass(frozen=True, slots=True)
class Telling:
    """Tells steps with the variables that are known where they stand."""

    wording: Wording
    confided: Confided

    def expects(self, node: str, pattern: str) -> str:
        """A step that waits for a pattern."""
        return f"{node}: {mapped([('expect', quoted(pattern))])}"

    def learns(self, node: str, pattern: Pattern, learn: Pattern) -> str:
        """A step that waits for what tells about nodes."""
        pairs = [("expect", quoted(_source(pattern))), ("learn", quoted(_source(learn)))]
        return f"{node}: {mapped(pairs)}"

    def notices(self, node: str, text: str) -> str:
        """A step that waits for a notice."""
        pattern = self.wording.seen(text, to_the_end=True)
        return f"{node}: {mapped([('notice', quoted(pattern))])}"

    def does(self, node: str, item: Item) -> str:
        """A step for one thing that was done, or that happened."""
        match item:
            case Typed():
                return f"{node}: {self._typed(node, item)}"
            case Control():
                return f"{node}: {item.act}"
            case Ended():
                return f"{node}: {{exits: {item.status}}}"

    def _typed(self, node: str, item: Typed) -> str:
        if not item.is_secret and self.confided.is_told(item.text):
            return mapped([("type", quoted(self.wording.typed(item.text)))])
        template = self.confided.template(item.text, node)
        written = literal(item.text) if template is None else template
        return mapped([("type", quoted(written)), ("secret", "true")])

    def performs(self, node: str, lifted: Lifted) -> str:
        """A step for an action: its name, and the arguments that are not its defaults."""
        name, parameters = lifted.action.name, lifted.action.parameters
        given = [
            (parameter.name, value)
            for parameter in parameters
            if (value := self._argument(node, lifted, parameter)) is not None
        ]
        if not given:
            return f"{node}: {plain(name)}"
        if given[0][0] == parameters[0].name:
            return f"{node}: {mapped([(name, given[0][1]), *given[1:]])}"
        return f"{node}: {mapped([(name, mapped(given))])}"

    def _argument(self, node: str, lifted: Lifted, parameter: Parameter) -> str | None:
        name = parameter.name
        if parameter.kind is not ParameterKind.TEXT:
            nodes = lifted.nodes[name]
            return listed(nodes) if parameter.kind is ParameterKind.NODES else nodes[0]
        text = lifted.texts.get(name)
        scope = Scope(Variables({node: {"name": node}}), {}, {"node": (node,)})
        if text is None or (
            parameter.default is not None and parameter.default.render(scope.resolve) == text
        ):
            return None
        if parameter.secret:
            template = self.confided.template(text, node, name)
            return quoted(literal(text) if template is None else template)
        return quoted(self.wording.typed(text))

    def may_tell(self, lifted: Lifted) -> bool:
        """Whether no argument that is seen has a secret in it."""
        return all(
            parameter.secret or self.confided.is_told(lifted.texts.get(parameter.name, ""))
            for parameter in lifted.action.parameters
        )


def told_of_nodes(programs: Iterable[Program]) -> frozenset[str]:
    """The variables, but for addresses and ports, that programs tell about nodes."""
    return frozenset(
        group
        for program in programs
        for expect in learning(program.actions.values())
        if expect.learn is not None
        for group in expect.learn.groups
        if group not in {"ip", "port"}
    )


def learning(actions: Iterable[Action]) -> list[Expect]:
    """The different expectations of these actions that learn about nodes, of no parameter."""
    found: dict[tuple[str, str], Expect] = {}
    for action in actions:
        for act in chain.from_iterable(flat(act, {}) for act in action.dialogue):
            if isinstance(act, Expect) and act.learn is not None:
                references = (*act.pattern.template.references, *act.learn.template.references)
                if not references:
                    found.setdefault((str(act.pattern), str(act.learn)), act)
    return list(found.values())


def _source(pattern: Pattern) -> str:
    """A pattern without variables as a scenario writes it."""
    text = "".join(literal(part) for part in pattern.template.parts if isinstance(part, str))
    return f"/{text}/" if pattern.is_regex else text
