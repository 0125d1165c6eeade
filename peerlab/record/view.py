"""What people who sit at a node see: all of it from the beginning, open prompts at once."""

import re
from collections.abc import Sequence
from typing import Final

from peerlab.backend.base import Stream
from peerlab.scenario.model import Act, Choose, Each, Expect, Program, Type
from peerlab.scenario.values import Pattern, no_variables

MOST_KEPT: Final = 1024 * 1024
"""Characters of a terminal that somebody who comes late is shown."""

_LONGEST_PROMPT: Final = 4000
"""Characters before the cursor in which a prompt is looked for."""


class View:
    """One terminal as it is seen. Not safe for threads; no I/O."""

    def __init__(self, secret_prompts: Sequence[re.Pattern[str]]) -> None:
        """Begin with an empty screen. The patterns tell prompts whose answer is secret."""
        self._prompts = secret_prompts
        self._shown: dict[Stream, int] = {"stdout": 0, "stderr": 0}
        self._since = ""
        self.history = ""

    def ended(self, stream: Stream, text: str) -> str:
        """Take in text of a stream that will not change any more; what of it is new to be seen."""
        new = text[self._shown[stream] :]
        self._shown[stream] = 0
        return self._keep(new)

    def opened(self, stream: Stream, line: str) -> str:
        """Take in the line that is open; what of it is new to be seen."""
        new = line[self._shown[stream] :]
        self._shown[stream] = max(len(line), self._shown[stream])
        return self._keep(new)

    def typed(self, text: str) -> str:
        """Take in a line that was typed, masked if it is secret."""
        shown = self._keep(f"{text}\n")
        self._since = ""
        return shown

    @property
    def asks_for_secret(self) -> bool:
        """Whether what is typed now answers a prompt for a secret."""
        end = len(self._since.rstrip())
        return end > 0 and any(
            match.end() >= end for prompt in self._prompts for match in prompt.finditer(self._since)
        )

    def _keep(self, text: str) -> str:
        self._since = (self._since + text)[-_LONGEST_PROMPT:]
        self.history = (self.history + text)[-MOST_KEPT:]
        return text


def secret_prompts(program: Program) -> list[re.Pattern[str]]:
    """What a program's actions expect before they type something secret."""
    return [pattern for pattern, is_secret in prompts(program) if is_secret]


def prompts(program: Program) -> list[tuple[re.Pattern[str], bool]]:
    """What a program's actions expect before they type, and whether that is then secret."""
    found: dict[str, tuple[re.Pattern[str], bool]] = {}
    for action in program.actions.values():
        for pattern, is_secret in _before_typing(action.dialogue, ()):
            _, was_secret = found.get(str(pattern), (None, False))
            found[str(pattern)] = (pattern.compile(no_variables), is_secret or was_secret)
    return list(found.values())


def _before_typing(acts: Sequence[Act], before: Sequence[Pattern]) -> list[tuple[Pattern, bool]]:
    found: list[tuple[Pattern, bool]] = []
    for act in acts:
        match act:
            case Expect():
                before = (act.pattern,)
            case Type():
                found += [
                    (pattern, act.secret) for pattern in before if not pattern.template.references
                ]
                before = ()
            case Choose():
                for pattern, branch in act.branches:
                    found += _before_typing(branch, (pattern,))
                before = tuple(pattern for pattern, branch in act.branches if not branch)
            case Each():
                found += _before_typing(act.acts, before)
                before = ()
            case _:
                before = ()
    return found
