"""`latency`: how long messages take from being typed until they are shown."""

from peerlab.checks.accounting import Account
from peerlab.checks.brief import lasting
from peerlab.checks.messages import Messages
from peerlab.checks.story import Stories
from peerlab.checks.trips import Key
from peerlab.checks.verdict import Finding, Outcome
from peerlab.scenario.model import CheckSpec

_MOST = 5


def check(messages: Messages, spec: CheckSpec) -> list[Finding]:
    """Compare the time between typing and showing of every message that arrived with the bounds.

    The begin is when the text was typed, and where that was not typed, when it was sent.
    """
    arrived = messages.arrived(spec, "no such message arrived, so none can be timed")
    if isinstance(arrived, Finding):
        return [arrived]
    found, stories = messages.account, messages.stories
    took = {key: max(0.0, _shown_at(found, key) - _begin(found, stories, key)) for key in arrived}
    lowest, highest = spec.arguments["at-least"], spec.arguments["at-most"]
    wrong = [
        key
        for key, seconds in took.items()
        if (isinstance(highest, float) and seconds > highest)
        or (isinstance(lowest, float) and seconds < lowest)
    ]
    part = spec.arguments["of"]
    needed = part if isinstance(part, float) else 1.0
    right = 1 - len(wrong) / len(arrived)
    times = sorted(took.values())
    bounds = [
        f"at {name} {lasting(bound)}"
        for name, bound in (("least", lowest), ("most", highest))
        if isinstance(bound, float)
    ]
    expected = "all" if needed == 1 else f"{needed:.0%}"
    message = (
        f"{len(arrived) - len(wrong)} of {len(arrived)} messages took {' and '.join(bounds)}, "
        f"expected {expected}; median {lasting(times[len(times) // 2])}, "
        f"longest {lasting(times[-1])}"
    )
    if right >= needed:
        return [Finding(spec.name, Outcome.PASSED, message, why=messages.remark)]
    wrong.sort(key=lambda key: -took[key])
    told = [
        f"took {lasting(took[key])}{_where(found, stories, key)}: {stories.of(key)}"
        for key in wrong[:_MOST]
    ]
    return [
        Finding(
            spec.name,
            Outcome.FAILED,
            message,
            wrong[0][1],
            spec.where,
            why=(*told, *messages.remark),
            share=right,
        )
    ]


def _begin(found: Account, stories: Stories, key: Key) -> float:
    message = found.sent[key]
    typed = stories.typed_at(message)
    return message.at if typed is None else typed


def _shown_at(found: Account, key: Key) -> float:
    return found.received[key][0].at


def _where(found: Account, stories: Stories, key: Key) -> str:
    """Where the time went, as far as the wire saw the message: at whom, or on the way."""
    trip, shown = found.trips.get(key), _shown_at(found, key)
    if trip is None:
        return ""
    left = trip.left[0]
    came = min(trip.arrived, shown)
    parts = [
        (left - _begin(found, stories, key), f"at {found.sent[key].node}"),
        (came - left, "on the way"),
        (shown - came, f"at {key[1]}"),
    ]
    return f" ({', '.join(f'{lasting(max(0.0, seconds))} {where}' for seconds, where in parts)})"
