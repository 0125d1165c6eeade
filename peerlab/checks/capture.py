"""`capture`: what can be read on the network by anybody who listens, and what cannot."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from peerlab.checks.captured import capture_of, excerpt, without_secrets
from peerlab.checks.searching import find_first
from peerlab.checks.verdict import Finding, Outcome
from peerlab.evidence.capture import Payload
from peerlab.evidence.reading import Evidence
from peerlab.scenario.hidden import SHORTEST, secret_pattern, secrets_of
from peerlab.scenario.model import CheckSpec, Scenario
from peerlab.scenario.values import Pattern, no_variables

_NOT_KNOWN: Final = "the values of these secrets of the scenario are not in the evidence"


def check(evidence: Evidence, spec: CheckSpec, scenario: Scenario) -> list[Finding]:
    """Look for the pattern, or for the scenario's secrets, in all datagrams and TCP streams."""
    secrets = secrets_of(scenario, evidence.variables)
    pattern = spec.arguments["pattern"]
    looked_for: re.Pattern[str] | None
    doubts = []
    if isinstance(pattern, Pattern):
        looked_for, what = (
            pattern.compile(no_variables),
            repr(without_secrets(str(pattern), secrets)),
        )
    else:
        looked_for, what = secret_pattern(secrets), "a secret of the scenario"
        if scenario.secrets:
            names = ", ".join(scenario.secrets)
            doubts.append(f"{_NOT_KNOWN}, and cannot be looked for: {names}")
    if looked_for is None:
        none = f"the scenario has no secret of {SHORTEST} characters or more to look for"
        message = doubts[0] if doubts else none
        return [Finding(spec.name, Outcome.UNKNOWN, message, None, spec.where)]
    nodes: Sequence[str] = spec.arguments["nodes"] or tuple(scenario.nodes)  # type: ignore[assignment]
    count = 0
    for node in nodes:
        captured, doubt = capture_of(evidence, node)
        doubts += [] if doubt is None else [doubt]
        count += len(captured.payloads)
        for payload in captured.payloads:
            text = payload.text
            match = find_first(looked_for, text)
            if match is not None:
                proof = excerpt(text, match.start(), match.end(), secrets)
                message = f"{what} can be read in {_described(payload, evidence.addresses)}"
                outcome = Outcome.PASSED if spec.arguments["wanted"] else Outcome.FAILED
                return [Finding(spec.name, outcome, message, node, spec.where, proof)]
    message = f"{what} can be read in none of {count} datagrams and TCP streams"
    if doubts:
        outcome, message = Outcome.UNKNOWN, doubts[0]
    else:
        outcome = Outcome.FAILED if spec.arguments["wanted"] else Outcome.PASSED
    return [Finding(spec.name, outcome, message, None, spec.where)]


def _described(payload: Payload, names: Mapping[str, str]) -> str:
    source, target = (_named(end, names) for end in (payload.source, payload.destination))
    carried = "a datagram" if payload.protocol == "udp" else "what went by TCP"
    return f"{carried} from {source} to {target}"


def _named(end: str, names: Mapping[str, str]) -> str:
    address, _, port = end.rpartition(":")
    return f"{names[address]} (port {port})" if address in names else end
