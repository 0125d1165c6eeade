"""What a step waits for, its variables put in, and that it did not come."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from peerlab.scenario.values import Pattern, Resolver


@dataclass(frozen=True, slots=True)
class Awaited:
    """A pattern as it is looked for, and its text for people."""

    pattern: re.Pattern[str]
    text: str
    is_regex: bool

    @classmethod
    def of(cls, pattern: Pattern, resolve: Resolver) -> Self:
        """Put the variables in."""
        return cls(pattern.compile(resolve), pattern.template.render(resolve), pattern.is_regex)

    @property
    def detail(self) -> dict[str, object]:
        """As the journal has it: in an expression the values of variables match only themselves."""
        text = self.pattern.pattern if self.is_regex else self.text
        return {"text": text, "regex": self.is_regex}

    def __str__(self) -> str:
        return f"/{self.text}/" if self.is_regex else repr(self.text)


class StepFailed(Exception):  # noqa: N818 - a fact about the program, not an error of the lab
    """Raised when a program did not do what a step expects. It becomes a finding.

    Attributes:
        since: what it printed instead.
        state: what it does now, in words.
        awaited: what it should have printed, one of these.
        truncated: its output was cut, so it may have printed that.
    """

    def __init__(  # noqa: PLR0913 - all that a finding tells
        self,
        message: str,
        *,
        node: str,
        waited: float,
        since: str,
        state: str,
        awaited: Sequence[Awaited] = (),
        truncated: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.node = node
        self.waited = waited
        self.since = since
        self.state = state
        self.awaited = awaited
        self.truncated = truncated

    @property
    def detail(self) -> dict[str, object]:
        """As the journal has it."""
        return {
            "waited": round(self.waited, 3),
            "since": self.since,
            "state": self.state,
            "awaited": [each.detail for each in self.awaited],
            **({"truncated": True} if self.truncated else {}),
        }
