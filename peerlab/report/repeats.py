"""Tells what came of many runs of the same scenarios, for people and for programs."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from peerlab.checks.verdict import Outcome
from peerlab.compare.repeats import Steadiness, Tally
from peerlab.errors import UsageError
from peerlab.report.divergence import as_json as divergence_as_json
from peerlab.report.divergence import divergence_lines
from peerlab.report.escape import escape_line
from peerlab.report.text import counted, shown_path


def progress_line(outcomes: Mapping[Outcome, int], total: int) -> str:
    """How far a session has come, in one line."""
    return f"{sum(outcomes.values()):,} of {total:,} runs: {counted(outcomes)}"


def conclusion(tallies: Sequence[Tally]) -> Iterator[str]:
    """What came of each scenario, and of all of them, line by line."""
    for tally in tallies:
        yield from tally_lines(tally)
    yield last_line(tallies)


def tally_lines(tally: Tally) -> Iterator[str]:
    """What came of one scenario, line by line: how often, what varied, where it went apart."""
    passed = tally.outcomes[Outcome.PASSED]
    others = [
        f", {outcome.value} {tally.outcomes[outcome]:,}"
        for outcome in (Outcome.FAILED, Outcome.UNKNOWN)
        if tally.outcomes[outcome]
    ]
    name = escape_line(tally.scenario.name)
    yield f"{name}: passed {passed:,} of {tally.runs:,}{''.join(others)}"
    if tally.steadiness is Steadiness.PASSES:
        return
    yield f"   {_words(tally)}"
    for cause, count in tally.causes.most_common():
        yield f"   {escape_line(cause)} did not pass in {count:,} of {tally.runs:,}"
    if tally.scenario.scripts_network:
        yield f"   {_seeds(tally)}"
    if tally.pair is None:
        return
    for letter, sample in zip("AB", tally.pair, strict=True):
        yield f"   {letter}: {shown_path(sample.evidence)}"
    yield from (f"   {line}" for line in _compared(tally))


def last_line(tallies: Sequence[Tally]) -> str:
    """All of it in one line."""
    runs, varied = sum(tally.runs for tally in tallies), sum(tally.varied for tally in tallies)
    return (
        f"{runs:,} {'run' if runs == 1 else 'runs'} of {len(tallies):,} "
        f"{'scenario' if len(tallies) == 1 else 'scenarios'}: "
        f"{varied:,} {'verdict' if varied == 1 else 'verdicts'} varied"
    )


def as_json(tallies: Sequence[Tally]) -> list[dict[str, Any]]:
    """The same for programs to read."""
    return [_tally_as_json(tally) for tally in tallies]


def _tally_as_json(tally: Tally) -> dict[str, Any]:
    found = None
    with suppress(UsageError):  # somebody has removed what was to be compared
        found = tally.divergence()
    return {
        "name": tally.scenario.name,
        "runs": tally.runs,
        **{outcome.value: tally.outcomes[outcome] for outcome in Outcome},
        "varied": tally.varied,
        "says": tally.steadiness.name.lower().replace("_", "-"),
        "causes": [{"what": cause, "runs": count} for cause, count in tally.causes.most_common()],
        "seeds": tally.seeds,
        "a": None if tally.pair is None else str(tally.pair[0].evidence),
        "b": None if tally.pair is None else str(tally.pair[1].evidence),
        "divergence": None if found is None else divergence_as_json(found),
    }


def _compared(tally: Tally) -> Iterator[str]:
    """Where a run that passed and one that did not went apart, as far as they are still there."""
    try:
        found = tally.divergence()
    except UsageError as error:
        yield f"cannot be compared any more: {escape_line(error.message)}"
    else:
        yield from ["A and B did the same"] if found is None else divergence_lines(found)


def _words(tally: Tally) -> str:
    """Whether the programs are wrong or unlucky, in words."""
    if tally.steadiness is Steadiness.WRONG and len(tally.causes) == 1:
        (cause,) = tally.causes
        return f"always fails at {escape_line(cause)}: wrong"
    return tally.steadiness.value


def _seeds(tally: Tally) -> str:
    """The seeds of the runs that did not pass."""
    different = list(dict.fromkeys(tally.seeds))
    more = sum(tally.ways.values()) - len(tally.seeds)
    if len(different) == 1 and (more or len(tally.seeds) > 1):
        return f"the seed was {different[0]} in all of them"
    listed = ", ".join(map(str, different))
    return f"seeds of the runs that did not pass: {listed}" + (
        f", and {more:,} more" if more else ""
    )
