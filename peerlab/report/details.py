"""Reads what an event says beside its text: a journal can be of another version, or changed."""

from math import isfinite

from peerlab.evidence.journal import Event


def number_in(event: Event, name: str, otherwise: float = 0.0) -> float:
    """A finite number that is not negative; `otherwise` where there is none."""
    told = event.detail.get(name)
    if isinstance(told, int | float) and isfinite(told) and told >= 0:
        return told
    return otherwise


def text_in(event: Event, name: str) -> str | None:
    """A text; None where there is none."""
    told = event.detail.get(name)
    return told if isinstance(told, str) else None


def texts_in(event: Event, name: str) -> list[str]:
    """The texts of a list; empty where there is none."""
    told = event.detail.get(name)
    return [each for each in told if isinstance(each, str)] if isinstance(told, list) else []
