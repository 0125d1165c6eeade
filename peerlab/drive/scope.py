"""The variables of a run: what `{u2.label}` or `{text}` stands for at this moment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from peerlab.scenario.reading import SECRET
from peerlab.scenario.values import Reference


class NotKnownYet(Exception):  # noqa: N818 - a fact about the run, not an error of the lab
    """Raised when a variable is used before anything has given it a value."""


@dataclass(slots=True)
class Variables:
    """What is known of each node: its name, its address, and what patterns have captured.

    Apart from that, the values of the scenario's secrets.
    """

    known: dict[str, dict[str, str]] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    def add_node(self, name: str, ip: str) -> None:
        """Begin to know a node."""
        self.known[name] = {"name": name, "ip": ip}

    def capture(self, node: str, match: re.Match[str]) -> None:
        """Keep the named groups of a match as variables of the node."""
        self.known[node].update(
            (name, value) for name, value in match.groupdict().items() if value is not None
        )

    def learn(self, pattern: re.Pattern[str], text: str) -> None:
        """Every match belongs to the node whose address is its group `ip`; others are left out."""
        by_address = {known["ip"]: name for name, known in self.known.items()}
        for match in pattern.finditer(text):
            node = by_address.get(match["ip"])
            if node is not None:
                self.capture(node, match)


@dataclass(frozen=True, slots=True)
class Scope:
    """Resolves the variables of one act: those of the nodes, and an action's arguments."""

    variables: Variables
    texts: Mapping[str, str]
    nodes: Mapping[str, tuple[str, ...]]

    def resolve(self, reference: Reference) -> str:
        """The value of a variable.

        Raises:
            NotKnownYet: nothing has given it a value so far.
        """
        name, attribute = reference.name, reference.attribute
        if name in self.texts:
            return self.texts[name]
        if name == SECRET and name not in self.nodes:
            return self.variables.secrets[str(attribute)]
        nodes = self.nodes.get(name, (name,))
        if attribute == "count":
            return str(len(nodes))
        known = self.variables.known[nodes[0]]
        if (attribute or "name") not in known:
            raise NotKnownYet(
                f"{nodes[0]}.{attribute} is not known: nothing that was printed so far told it"
            )
        return known[attribute or "name"]
