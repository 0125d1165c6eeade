"""`order`: what one node sends to another arrives in the order in which it was sent."""

from peerlab.checks.accounting import account
from peerlab.checks.messages import NOTHING, WEAKER, chosen, reused
from peerlab.checks.story import Stories
from peerlab.checks.verdict import Finding, Outcome
from peerlab.evidence.reading import Evidence
from peerlab.scenario.model import CheckSpec

_MOST = 10


def check(evidence: Evidence, spec: CheckSpec) -> list[Finding]:
    """Look for messages that arrived after one that was sent later. What is lost has no order."""
    found = account(evidence)
    if found.reused:
        return [reused(found, spec)]
    arrived = [key for key in found.delivered if chosen(found, key, spec)]
    if not arrived:
        message = NOTHING if not found.sent else "no such message arrived, so nothing has an order"
        return [Finding(spec.name, Outcome.UNKNOWN, message, None, spec.where)]
    weaker = () if found.by_id else (WEAKER,)
    late = [key for key in found.reordered if chosen(found, key, spec)]
    if not late:
        message = f"{len(arrived)} messages arrived in the order in which they were sent"
        return [Finding(spec.name, Outcome.PASSED, message, why=weaker)]
    stories = Stories(evidence, found)
    told = [stories.of_late(key) for key in late[:_MOST]]
    message = f"{len(late)} of {len(arrived)} messages arrived after one that was sent later"
    share = 1 - len(late) / len(arrived)
    return [
        Finding(
            spec.name,
            Outcome.FAILED,
            message,
            late[0][1],
            spec.where,
            why=(*told, *weaker),
            share=share,
        )
    ]
