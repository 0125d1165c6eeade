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
    nothing = Captured((), cut=False)
    if not path.is_file():
        return nothing, f"there is no capture of {node}: the backend made none"
    try:
        captured = read_capture(path)
    except (OSError, ValueError) as error:
        return nothing, f"the capture of {node} cannot be read: {error}"
    for totals in evidence.wire_totals:
        ended = totals.detail.get("captures", {}).get(node)
        if ended is not None:
            return captured, f"the capture of {node} is not whole: {ended}"
    if captured.cut:
        return captured, f"the capture of {node} is larger than what is read of it"
    if not all(payload.whole for payload in captured.payloads):
        return captured, f"the capture of {node} lacks segments of a TCP connection"
    return captured, None


def without_secrets(text: str, secrets: Collection[str]) -> str:
    """The text for people, without secrets, whose length is not shown either."""
    return _MASKED.sub("********", masked(text, secrets))


def excerpt(text: str, start: int, end: int, secrets: Collection[str]) -> str:
    """What stands around a place, for people."""
    end = min(end, start + _LONGEST)
    around = masked(text, secrets)[max(0, start - _BESIDE) : end + _BESIDE]
    return _MASKED.sub("********", around)
