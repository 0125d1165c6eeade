"""`traffic`: messages go straight to those whom they are for, and nothing goes to anybody else.

The wire tells every datagram that a node sent, and the programs tell which messages they sent to
whom. What servers say by TCP is read in their captures.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from peerlab.checks.captured import capture_of, excerpt, without_secrets
from peerlab.checks.post import Post, messages_sent
from peerlab.checks.verdict import Finding, Outcome
from peerlab.evidence.journal import Kind
from peerlab.evidence.reading import Evidence
from peerlab.scenario.hidden import secrets_of
from peerlab.scenario.model import CheckSpec, Scenario

_MOST_FINDINGS: Final = 10


@dataclass(frozen=True, slots=True)
class Wrong:
    """Something that went where it should not: at which node, what, and what was in it."""

    node: str | None
    message: str
    proof: str


def check(evidence: Evidence, spec: CheckSpec, scenario: Scenario) -> list[Finding]:
    """Compare what went where with what was for whom."""
    addresses = {**evidence.addresses, **{name: name for name in evidence.nodes}}
    messages = messages_sent(evidence, addresses)
    doubts = [] if messages else ["no node reported a message, so nothing can be said of any"]
    if not evidence.sees_network:
        doubts = ["the network was not seen: there is no wire that tells what passed"]
    if doubts:
        return [Finding(spec.name, Outcome.UNKNOWN, doubts[0], None, spec.where)]
    relays = relays_of(spec, scenario)
    datagrams = [
        event
        for event in evidence.of(Kind.DATAGRAM)
        # What became of it elsewhere is told of the same one once more.
        if "cable" not in event.detail
    ]
    streams: list[tuple[str, str]] = []
    for relay in relays:
        captured, doubt = capture_of(evidence, relay)
        doubts += [] if doubt is None else [doubt]
        streams += [(relay, each.text) for each in captured.payloads if each.protocol == "tcp"]
    allowed: Collection[frozenset[str]] = spec.arguments["allow"]  # type: ignore[assignment]
    post = Post(messages, addresses, allowed, relays)
    wrong = [
        Wrong(event.node, f"at {event.at:.3f} s {said}", event.text)
        for event in datagrams
        if (said := post.judge(event)) is not None
    ]
    secrets = secrets_of(scenario, evidence.variables)
    wrong += filter(None, (_carries(post, relay, text, secrets) for relay, text in streams))
    if not wrong and not doubts:
        message = f"{len(datagrams)} datagrams went where they should"
        if relays:
            message += f", and no message through {', '.join(relays)}"
        return [Finding(spec.name, Outcome.PASSED, message, None, spec.where)]
    share = 1 - len(wrong) / max(1, len(datagrams) + len(streams))
    unknown = [Finding(spec.name, Outcome.UNKNOWN, doubt, None, spec.where) for doubt in doubts]
    return [*_findings(spec, wrong, share, secrets), *unknown]


def _findings(
    spec: CheckSpec, wrong: Sequence[Wrong], share: float, secrets: Collection[str]
) -> Iterator[Finding]:
    """The first of what is wrong, each with its proof, and how much more there is."""
    for each in wrong[:_MOST_FINDINGS]:
        proof = without_secrets(each.proof, secrets)
        yield Finding(
            spec.name, Outcome.FAILED, each.message, each.node, spec.where, proof, share=share
        )
    if len(wrong) > _MOST_FINDINGS:
        message = f"{len(wrong) - _MOST_FINDINGS} more went where they should not"
        yield Finding(spec.name, Outcome.FAILED, message, None, spec.where, share=share)


def _carries(post: Post, relay: str, text: str, secrets: Collection[str]) -> Wrong | None:
    """The first message in a stream of a relay that is neither its own nor for it."""
    for place, sent in post.traces(text):
        if relay not in {sent.node, *sent.recipients}:
            message = f"{sent.shown} of {sent.node} went through {relay} by TCP"
            return Wrong(relay, message, excerpt(text, place, place + len(sent.text), secrets))
    return None


def relays_of(spec: CheckSpec, scenario: Scenario) -> list[str]:
    """The nodes that no message may pass through."""
    programs: Collection[str] | None = spec.arguments["relays"]  # type: ignore[assignment]
    if programs is None:
        programs = {after for node in scenario.nodes.values() for after in node.program.after}
    return [name for name, node in scenario.nodes.items() if node.program.name in programs]
