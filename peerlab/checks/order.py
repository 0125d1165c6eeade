"""`order`: what one node sends to another arrives in the order in which it was sent."""

from peerlab.checks.messages import Messages, chosen
from peerlab.checks.verdict import Finding, Outcome
from peerlab.scenario.model import CheckSpec

_MOST = 10


def check(messages: Messages, spec: CheckSpec) -> list[Finding]:
    """Look for messages that arrived after one that was sent later. What is lost has no order."""
    arrived = messages.arrived(spec, "no such message arrived, so nothing has an order")
    if isinstance(arrived, Finding):
        return [arrived]
    found = messages.account
    late = [key for key in found.reordered if chosen(found, key, spec)]
    if not late:
        message = f"{len(arrived)} messages arrived in the order in which they were sent"
        return [Finding(spec.name, Outcome.PASSED, message, why=messages.remark)]
    told = [messages.stories.of_late(key) for key in late[:_MOST]]
    message = f"{len(late)} of {len(arrived)} messages arrived after one that was sent later"
    share = 1 - len(late) / len(arrived)
    return [
        Finding(
            spec.name,
            Outcome.FAILED,
            message,
            late[0][1],
            spec.where,
            why=(*told, *messages.remark),
            share=share,
        )
    ]
