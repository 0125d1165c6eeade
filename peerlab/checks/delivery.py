"""`delivery`: every message sent arrives exactly once where it was sent to, told by its unique id.

The ids come from the programs' own traces (`messages` in a program file), so this check believes
the programs in what they say of themselves. The accounting is that of Jepsen's total-queue:
sent, delivered, lost, duplicated, unexpected.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from peerlab.checks.verdict import Finding, Outcome
from peerlab.evidence.journal import Kind
from peerlab.evidence.reading import Evidence, Message
from peerlab.scenario.model import CheckSpec


@dataclass(frozen=True, slots=True)
class Account:
    """Messages by (id, node that it is for), a message to three nodes counting three times.

    Where a message for an address of no node has not come to anybody, that address stands for it.
    """

    sent: dict[tuple[str, str], Message]
    received: Counter[tuple[str, str]]

    @property
    def lost(self) -> list[tuple[str, str]]:
        """Sent, and never received where it was sent to."""
        return [key for key in self.sent if key not in self.received]

    @property
    def duplicated(self) -> list[tuple[str, str]]:
        """Received again, once for every time after the first."""
        return [key for key in self.sent for _ in range(self.received[key] - 1)]

    @property
    def unexpected(self) -> list[tuple[str, str]]:
        """Received by a node that it was not sent to, once for every time."""
        return [key for key in self.received.elements() if key not in self.sent]


def account(evidence: Evidence) -> Account:
    """Add up what the programs reported."""
    # Routers are in the journal, too, and have no address there.
    by_address = {node.ip: name for name, node in evidence.nodes.items() if node.ip is not None}
    messages = [message for node in evidence.nodes.values() for message in node.messages]
    received = Counter(
        (str(message.id), message.node)
        for message in messages
        if message.direction is Kind.RECEIVED
    )
    sent: dict[tuple[str, str], Message] = {}
    elsewhere: list[Message] = []
    for message in messages:
        if message.direction is not Kind.SENT:
            continue
        if message.peer in by_address:
            sent[str(message.id), by_address[message.peer]] = message
        else:
            elsewhere.append(message)
    _add_elsewhere(sent, elsewhere, received)
    return Account(sent, received)


def _add_elsewhere(
    sent: dict[tuple[str, str], Message],
    messages: Iterable[Message],
    received: Iterable[tuple[str, str]],
) -> None:
    """Add messages for addresses of no node, such as those of a NAT.

    Only the NAT knows which node it passes them on to, and it may well be several: so each of them
    is for one that received its id and was not sent it at its own address.
    """
    takers: dict[str, list[str]] = defaultdict(list)
    for message_id, node in received:
        if (message_id, node) not in sent:
            takers[message_id].append(node)
    for message in messages:
        message_id, address = str(message.id), str(message.peer)
        if takers[message_id]:
            sent[message_id, takers[message_id].pop(0)] = message
            continue
        recipient, number = address, 1
        while (message_id, recipient) in sent:
            number += 1
            recipient = f"{address} ({number})"
        sent[message_id, recipient] = message


def check(evidence: Evidence, spec: CheckSpec) -> list[Finding]:
    """Compare the account with what the scenario expects."""
    where = (spec.span.line, spec.span.column)
    found = account(evidence)
    if not found.sent and not found.received:
        message = "no node reported a message, so nothing can be counted"
        return [Finding(spec.name, Outcome.UNKNOWN, message, None, where)]
    counts = {
        "sent": list(found.sent),
        "lost": found.lost,
        "duplicated": found.duplicated,
        "unexpected": found.unexpected,
    }
    findings = []
    for name, keys in counts.items():
        expected = spec.arguments[name]
        if expected is not None and len(keys) != expected:
            message = f"{len(keys)} messages {name}, expected {expected}"
            proof = "\n".join(_describe(found, key) for key in list(dict.fromkeys(keys))[:10])
            findings.append(Finding(spec.name, Outcome.FAILED, message, None, where, proof))
    if findings:
        return findings
    told = ", ".join(f"{len(keys)} {name}" for name, keys in counts.items())
    return [Finding(spec.name, Outcome.PASSED, told)]


def _describe(found: Account, key: tuple[str, str]) -> str:
    message_id, node = key
    times = found.received[key]
    if key not in found.sent:
        return f"message {message_id}: received by {node} {times} times, but not sent to it"
    message = found.sent[key]
    return (
        f"message {message_id} {message.text!r}: "
        f"{message.node} to {node} at {message.at:.3f} s, received {times} times"
    )
