"""What a session leaves: the text of a scenario, told with actions, and told without."""

import math
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from peerlab.checks.accounting import account
from peerlab.errors import UsageError
from peerlab.evidence.journal import Event
from peerlab.evidence.reading import Evidence
from peerlab.record.ahead import cover
from peerlab.record.base import Base
from peerlab.record.compose import Composed, compose
from peerlab.record.confided import Confided, default_secrets
from peerlab.record.writing import mapped
from peerlab.scenario.model import DEFAULT_WITHIN, Scenario

_PATIENCE: Final = 2
"""How many times longer than anything took in the session a replay waits for it, at least."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A scenario as it can be written.

    Attributes:
        text: the file.
        steps: how many there are.
        secrets: the values that a replay needs, by name.
        unsure: the nodes at which lines were taken for secrets that may be none.
    """

    text: str
    steps: int
    secrets: Mapping[str, str]
    unsure: Sequence[str] = ()


def recordings(
    base: Base,
    events: Sequence[Event],
    hidden: Mapping[str, Sequence[str]],
    delivery: Mapping[str, int] | None,
) -> Iterator[Recording]:
    """The ways to tell a session, the most readable first; none if nothing was done.

    Args:
        base: what the session began with.
        events: its journal, up to the moment when it ended.
        hidden: for each node, the secret lines typed there, in order.
        delivery: what became of the messages, as the check `delivery` counts it; None: there were
            none.
    """
    told: set[str] = set()
    covered = cover(base.scenario, events, hidden)
    values = [value for lines in covered.hidden.values() for value in lines]
    for lifting in (True, False):
        confided = Confided(values, public_secrets(base.scenario))
        composed = compose(base.scenario, covered.events, covered.hidden, confided, lifting=lifting)
        draft = replace(
            base.draft,
            within=_within(base.scenario, composed),
            secrets=list(confided.values),
            steps=composed.steps,
            checks=list(_checks(composed, delivery)),
        )
        text = draft.text()
        if composed.steps and text not in told:
            told.add(text)
            yield Recording(text, len(composed.steps), confided.values, covered.unsure)


def count_messages(evidence: Evidence) -> dict[str, int] | None:
    """What became of the messages of a session; None: none was told of, or nobody can know."""
    found = account(evidence)
    if found.unclear or found.reused or not (found.sent or found.received):
        return None
    # In which order messages come is chance.
    return {name: len(keys) for name, keys in found.counts.items() if name != "reordered"}


def public_secrets(scenario: Scenario) -> set[str]:
    """The defaults of secret parameters, which the program files tell."""
    return {value for program in scenario.programs.values() for value in default_secrets(program)}


def write_atomically(path: Path, text: str) -> None:
    """Write a file, all of it or nothing.

    Raises:
        UsageError: it cannot be written.
    """
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with fresh.open("x", encoding="utf-8") as file:
            file.write(text)
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise UsageError(f"cannot write {str(path)!r}: {error.strerror}") from error


def _within(scenario: Scenario, composed: Composed) -> str | None:
    needed = math.ceil(composed.longest * _PATIENCE)
    if needed > scenario.within:
        return f"{needed}s"
    return None if scenario.within == DEFAULT_WITHIN else f"{scenario.within:g}s"


def _checks(composed: Composed, delivery: Mapping[str, int] | None) -> Iterator[str]:
    if delivery is not None:
        counts = [
            (name, str(number)) for name, number in delivery.items() if name == "sent" or number
        ]
        yield f"delivery: {mapped(counts)}"
    if composed.ended:
        statuses = [(node, str(status)) for node, status in composed.ended.items()]
        yield f"exits: {mapped(statuses)}"
