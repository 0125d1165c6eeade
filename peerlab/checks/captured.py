"""What checks share that look into captures: what is there, and what may be shown of it."""

import re
from collections.abc import Collection
from typing import Final

from peerlab.evidence.capture import Captured, read_capture
from peerlab.evidence.reading import Evidence
from peerlab.scenario.hidden import masked

_BESIDE: Final = 40
"""Characters on both sides of what was found that a proof has."""
_LONGEST: Final = 200
_MASKED: Final = re.compile(r"\*{4,}")


def capture_of(evidence: Evidence, node: str) -> tuple[Captured, str | None]:
    """What was captured of a node, and why that is not all; None: it is."""
    path = evidence.capture(node)
    nothing = Captured((), frames=0, cut=False)
    if not path.is_file():
        return nothing, f"there is no capture of {node}: the backend made none"
    try:
        captured = read_capture(path)
    except (OSError, ValueError) as error:
        return nothing, f"the capture of {node} cannot be read: {error}"
    return captured, _lacking(captured, evidence, node)


def _lacking(captured: Captured, evidence: Evidence, node: str) -> str | None:
    """Why a capture that was read is not all that passed; None: it is."""
    for totals in evidence.wire_totals:
        ended = totals.detail.get("captures", {}).get(node)
        if ended is not None:
            return f"the capture of {node} is not whole: {ended}"
    if captured.cut:
        return f"the capture of {node} is larger than what is read of it"
    told = [totals.detail.get("captured", {}).get(node) for totals in evidence.wire_totals]
    counts = [int(count) for count in told if count is not None]
    if not counts:
        return f"it is unknown whether the capture of {node} is whole: no wire told its frames"
    if captured.frames != sum(counts):
        return (
            f"the capture of {node} is not what was captured: it has {captured.frames} frames, "
            f"and the wire told of {sum(counts)}"
        )
    if not all(payload.whole for payload in captured.payloads):
        return f"the capture of {node} lacks segments of a TCP connection"
    return None


def without_secrets(text: str, secrets: Collection[str]) -> str:
    """The text for people, without secrets, whose length is not shown either."""
    return _MASKED.sub("********", masked(text, secrets))


def excerpt(text: str, start: int, end: int, secrets: Collection[str]) -> str:
    """What stands around a place, for people."""
    end = min(end, start + _LONGEST)
    around = masked(text, secrets)[max(0, start - _BESIDE) : end + _BESIDE]
    return _MASKED.sub("********", around)
