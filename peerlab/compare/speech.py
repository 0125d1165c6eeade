"""How the programs of a scenario speak, as far as it takes to compare what they said."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from peerlab.evidence.journal import Event, Kind
from peerlab.scenario.course import acts_of_nodes, acts_of_programs
from peerlab.scenario.model import Act, Choose, Expect, Scenario, Type
from peerlab.scenario.values import no_variables


@dataclass(frozen=True, slots=True)
class Speech:
    """How programs speak.

    Attributes:
        prompts: what they print without a line end before they wait for a line.
        notices: which lines of a node come unasked, by the node's name.
        entries: what tells an address (`ip`) and what else belongs to the node there, such as its
            label, wherever it is printed.
        served: the nodes that nobody types at: they serve others, who come in any order.
        routers: those whose address every run tells.
        routed: whether there are routers at all.
    """

    prompts: tuple[str, ...] = ()
    notices: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    entries: tuple[re.Pattern[str], ...] = ()
    served: Collection[str] = frozenset()
    routers: Collection[str] = frozenset()
    routed: bool = False


def speech_of(scenario: Scenario, journals: Sequence[Sequence[Event]]) -> Speech:
    """How the programs of a scenario speak in all runs of it that are to be compared."""
    acts = [act for _, act in acts_of_nodes(scenario)] + list(acts_of_programs(scenario))
    routers = [set(router_addresses(journal).values()) for journal in journals]
    return Speech(
        _prompts(acts, journals),
        {
            name: node.program.notices.compile(no_variables)
            for name, node in scenario.nodes.items()
            if node.program.notices is not None
        },
        tuple(dict.fromkeys(_entries(acts))),
        scenario.nodes.keys()
        - {node for node, act in acts_of_nodes(scenario) if isinstance(act, Type)},
        frozenset(set.intersection(*routers)) if routers else frozenset(),
        bool(scenario.network.routers),
    )


def router_addresses(journal: Iterable[Event]) -> dict[str, str]:
    """The routers' names by address, as far as nodes sent datagrams there.

    The addresses of nodes are not among them.
    """
    own = {event.detail["ip"] for event in journal if event.kind is Kind.DEPLOYED}
    told = {
        event.detail["destination"].rpartition(":")[0]: event.detail["to"]
        for event in journal
        if event.kind is Kind.DATAGRAM and event.detail["to"] is not None
    }
    return {ip: name for ip, name in told.items() if ip not in own}


def _prompts(acts: Iterable[Act], journals: Iterable[Iterable[Event]]) -> tuple[str, ...]:
    """What steps wait for and, in some run, a node had printed last when it got its line."""
    expected = set()
    for act in acts:
        patterns = [pattern for pattern, _ in act.branches] if isinstance(act, Choose) else []
        patterns += [act.pattern] if isinstance(act, Expect) else []
        expected |= {
            str(pattern.template)
            for pattern in patterns
            if not pattern.is_regex and not pattern.template.references
        }
    shown = {
        event.text
        for journal in journals
        for event in journal
        if event.kind is Kind.PRINTED and not event.text.endswith("\n")
    }
    return tuple(sorted(each for each in expected if any(text.endswith(each) for text in shown)))


def _entries(acts: Iterable[Act]) -> Iterator[re.Pattern[str]]:
    for act in acts:
        learn = act.learn if isinstance(act, Expect) else None
        if learn is not None and not learn.template.references:
            yield learn.compile(no_variables)
