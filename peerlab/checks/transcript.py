"""`transcript`: what a terminal showed is an expected text, with placeholders in it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Final

from peerlab.checks.brief import cut
from peerlab.checks.verdict import Finding, Outcome
from peerlab.evidence.journal import Event, Kind
from peerlab.evidence.reading import Evidence, NodeEvidence, apart
from peerlab.scenario.expected import ExpectedLine, expected_lines
from peerlab.scenario.model import CheckSpec, Scenario
from peerlab.scenario.values import Pattern, Reference, Template, no_variables

_BEFORE: Final = 2
"""Lines that a proof has before the first that differs."""
_AFTER: Final = 3
"""Lines that it has from there on, of each side."""
_LONGEST: Final = 200
"""Characters of a line in a message."""
_MOST_COMPARED: Final = 250_000
"""How many pairs of lines are compared for the share that is right."""


def check(evidence: Evidence, spec: CheckSpec, scenario: Scenario) -> list[Finding]:
    """Compare the transcript of the node with the text, line by line."""
    name = str(spec.arguments["node"])
    template = spec.arguments["equals"]
    assert isinstance(template, Template)  # noqa: S101 - the loader made it so

    def resolve(reference: Reference) -> str:
        known = evidence.variables.get(reference.name, {})
        if (reference.attribute or "name") not in known:
            raise KeyError(str(reference))
        return known[reference.attribute or "name"]

    try:
        expected = expected_lines(template, resolve)
    except KeyError as missing:
        message = f"{missing.args[0]} is not known: nothing that was printed told it"
        return [Finding(spec.name, Outcome.UNKNOWN, message, name, spec.where)]
    node = evidence.node(name)
    if spec.arguments["notices"] == "apart":
        node = without_notices(node, scenario.nodes[name].program.notices)
    shown = node.transcript.rstrip()
    got = shown.split("\n") if shown else []
    found = first_difference(expected, got)
    if found is None:
        message = f"{name}'s terminal showed the {len(got)} lines that were expected"
        return [Finding(spec.name, Outcome.PASSED, message, name, spec.where)]
    return [
        Finding(
            spec.name,
            Outcome.FAILED,
            _told(name, expected, got, found),
            name,
            spec.where,
            "\n".join(_proof(expected, got, found)),
            share=_share(expected, got, found),
        )
    ]


def without_notices(node: NodeEvidence, pattern: Pattern | None) -> NodeEvidence:
    """The node as if no notice had come: a prompt that one interrupted is there once."""
    if pattern is None:
        return node
    notice = pattern.compile(no_variables)
    events: list[Event] = []
    interrupted = False
    for event in node.journal:
        if event.kind not in {Kind.PRINTED, Kind.TYPED, Kind.STARTED}:
            continue
        if event.detail.get("notice"):
            before, _ = apart(event, notice)
            if before:
                events.append(replace(event, text=before))
            interrupted = True
            continue
        if interrupted and _is_again(event, events):
            events.pop()
        interrupted = False
        events.append(event)
    return NodeEvidence(node.name, tuple(events))


def _is_again(event: Event, before: Sequence[Event]) -> bool:
    """Whether the event shows again what was shown last."""
    if not before or {event.kind, before[-1].kind} != {Kind.PRINTED}:
        return False
    prompt = before[-1].text.removesuffix("\n")
    return prompt != "" and event.text.startswith(prompt)


@dataclass(frozen=True, slots=True)
class Difference:
    """Where two texts differ first.

    Attributes:
        expected: which of the expected lines is not there; their number: no more are expected.
        got: which line is there instead; the number of lines: none is.
        anywhere: the expected line was looked for in all lines from there on.
    """

    expected: int
    got: int
    anywhere: bool = False


def first_difference(expected: Sequence[ExpectedLine], got: Sequence[str]) -> Difference | None:
    """Compare line by line; what stands between two `<lines>` is looked for. None: all is right."""
    gaps = [number for number, line in enumerate(expected) if line.form is None]
    begins = [0, *(gap + 1 for gap in gaps)]
    ends = [*gaps, len(expected)]
    place = 0
    for begin, end in zip(begins, ends, strict=True):
        block = expected[begin:end]
        if begin and end == len(expected):
            place = max(place, len(got) - len(block))
        elif begin and block:
            place, matched = _look_for(block, got, place)
            if not matched:
                return Difference(begin, place, anywhere=True)
        matched = _matching(block, got, place)
        if matched < len(block):
            return Difference(begin + matched, place + matched)
        place += len(block)
    return Difference(len(expected), place) if place < len(got) else None


def _matching(block: Sequence[ExpectedLine], got: Sequence[str], place: int) -> int:
    """How many lines from that place on are those of the block."""
    pairs = zip(block, got[place : place + len(block)], strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0].matches(pair[1]), pairs))


def _look_for(block: Sequence[ExpectedLine], got: Sequence[str], place: int) -> tuple[int, int]:
    """Where the block is first, or where most of its beginning is; and how much of it is there."""
    best = place, 0
    for start in range(place, len(got)):
        matched = _matching(block, got, start)
        if matched > best[1]:
            best = start, matched
        if matched == len(block):
            break
    return best


def _told(
    name: str, expected: Sequence[ExpectedLine], got: Sequence[str], found: Difference
) -> str:
    number = found.got + 1
    wanted = (
        "" if found.expected == len(expected) else cut(expected[found.expected].shown, _LONGEST)
    )
    if found.anywhere:
        return f"{name}'s terminal never showed {wanted!r} from line {number} on"
    if found.got == len(got):
        return f"{name}'s terminal showed {len(got)} lines, expected {wanted!r} as line {number}"
    there = f"line {number} of {name}'s terminal is {cut(got[found.got], _LONGEST)!r}"
    if found.expected == len(expected):
        return f"{there}, expected nothing more"
    return f"{there}, expected {wanted!r}"


def _proof(
    expected: Sequence[ExpectedLine], got: Sequence[str], found: Difference
) -> Iterator[str]:
    """Both sides from the first line that differs on, after what they have in common."""
    for line in got[max(0, found.got - _BEFORE) : found.got]:
        yield f"  {cut(line, _LONGEST)}"
    for wanted in expected[found.expected : found.expected + _AFTER]:
        yield f"- {cut(wanted.shown, _LONGEST)}"
    for line in got[found.got : found.got + _AFTER]:
        yield f"+ {cut(line, _LONGEST)}"


def _share(expected: Sequence[ExpectedLine], got: Sequence[str], found: Difference) -> float:
    """Which part of the lines is right: is there, in its order."""
    wanted = [line for line in expected if line.form is not None]
    if len(wanted) * len(got) <= _MOST_COMPARED:
        right = _in_order(wanted, got)
    else:
        right = sum(line.form is not None for line in expected[: found.expected])
    # Something is wrong, so that not all can be right.
    others = right + 1 if len(wanted) < len(expected) else len(got)
    return right / max(len(wanted), others)


def _in_order(expected: Sequence[ExpectedLine], got: Sequence[str]) -> int:
    """The length of the longest common subsequence."""
    before = [0] * (len(got) + 1)
    for line in expected:
        now = [0]
        for index, text in enumerate(got):
            longest = before[index] + 1 if line.matches(text) else max(before[index + 1], now[-1])
            now.append(longest)
        before = now
    return before[-1]
