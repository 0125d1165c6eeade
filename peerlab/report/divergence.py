"""Tells where two runs first went apart, for people and for programs."""

from collections.abc import Iterator
from typing import Any, Final

from peerlab.compare.divergence import Deed, Divergence, Side
from peerlab.compare.retelling import Lane
from peerlab.report.escape import escape_line

WIDTH: Final = 160
"""Characters of a line that are shown; of a longer one it is those around the difference."""
_LEAD: Final = 40
"""How many of them come before the difference."""

_VERBS: Final = {
    "typed": "typed ",
    "printed": "printed ",
    "complained": "printed (stderr) ",
    "noticed": "printed unasked ",
    "sent": "says it sent, to ",
    "received": "says it received, from ",
}
_QUOTED: Final = {"typed", "printed", "complained", "noticed"}


def divergence_lines(found: Divergence) -> Iterator[str]:
    """Where two runs, A and B, first went apart, line by line."""
    yield f"first divergence: {found.node or 'the lab'}{_step(found.sides[0])}"
    if found.sides[0].step != found.sides[1].step:
        yield f"   in B{_step(found.sides[1])}"
    if found.before:
        yield "   until then both did the same, in the end:"
        yield from (f"      | {deed_text(deed)}" for deed in found.before)
    common = _common(*("" if side.told is None else side.told.text for side in found.sides))
    for name, side in zip("AB", found.sides, strict=True):
        yield f"   {name}: {_told(side, found.what, common)}"


def as_json(found: Divergence) -> dict[str, Any]:
    """The same for programs to read."""
    return {
        "node": found.node or None,
        "what": found.what,
        "before": [{"what": lane.what, "text": told.text} for lane, told in found.before],
        **{
            name: {
                "at": None if side.told is None else round(side.told.at, 6),
                "text": None if side.told is None else side.told.text,
                "step": side.step or None,
                "step_text": side.text,
                "ended": round(side.ended, 6),
                "failure": side.failure,
            }
            for name, side in zip("ab", found.sides, strict=True)
        },
    }


def deed_text(deed: Deed, common: int = 0) -> str:
    """One thing that a node did, in one line; `common` characters are those of the other run."""
    lane, told = deed
    start = max(0, common - _LEAD) if len(told.text) > WIDTH else 0
    text = told.text[start : start + WIDTH]
    cut = start + len(text) < len(told.text)
    if lane.what in _QUOTED:  # a backslash that was printed is not one that escapes
        text = text.replace("\\", "\\\\")
    shown = f"{'...' * bool(start)}{escape_line(text)}{'...' * cut}"
    return _VERBS.get(lane.what, "") + (f'"{shown}"' if lane.what in _QUOTED else shown)


def _common(one: str, other: str) -> int:
    """How many characters two texts have in common at their beginning."""
    different = (
        place for place, pair in enumerate(zip(one, other, strict=False)) if len({*pair}) > 1
    )
    return next(different, min(len(one), len(other)))


def _step(side: Side) -> str:
    if side.text is None:
        return ", before the first step"
    return f", at step {side.step} ({escape_line(side.text)})"


def _told(side: Side, what: str, common: int) -> str:
    if side.told is not None:
        return f"{side.told.at:7.3f} s  {deed_text((Lane(what), side.told), common)}"
    failed = "" if side.failure is None else f": {escape_line(side.failure)}"
    return f"nothing of the kind until its end after {side.ended:.3f} s{failed}"
