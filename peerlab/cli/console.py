"""The terminal that `peerlab record` runs in."""

import signal
import sys
import termios
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import IO, Self, cast

from peerlab.cli.spool import Spool
from peerlab.evidence.journal import Event
from peerlab.report.escape import escape
from peerlab.report.live import Follower, Screen
from peerlab.scenario.model import Scenario

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Console:
    """Shows the transcript of all nodes, and what the recording has to say.

    Nobody waits for it, but its end: that comes when everything is shown.
    """

    def __init__(self) -> None:
        self._spool = Spool(sys.stdout)
        self._screen = Screen(file=cast("IO[str]", self._spool), highlight=False, soft_wrap=True)
        self._follower = Follower(self._screen)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._spool.finish()

    def say(self, line: str) -> None:
        """Print a line."""
        self._screen.print(escape(line), markup=False, highlight=False)

    def observer(self, scenario: Scenario) -> Callable[[Event], None]:
        """What shows the events of a session."""
        return lambda event: self._follower.observe(scenario, event)

    def welcome(self, scenario: Scenario, directory: Path | None) -> None:
        """Say how to sit down at the nodes."""
        with_dialogue = [name for name, node in scenario.nodes.items() if node.program.actions]
        option = "" if directory is None else f" --socket {directory}"
        self.say("the lab runs. In other terminals of this machine:")
        for name in with_dialogue or scenario.nodes:
            self.say(f"    peerlab join{option} {name}")
        self.say("Here: NODE: TEXT types a line at a node; /done or Ctrl-D ends the session")

    def set_echo(self, *, on: bool) -> None:
        """Show what is typed, or only that Enter was pressed."""
        set_echo(sys.stdin.fileno(), on=on)


def set_echo(terminal: int, *, on: bool) -> None:
    """Let a terminal show what is typed, or only that Enter was pressed; a pipe shows nothing."""
    with suppress(termios.error):
        attributes = termios.tcgetattr(terminal)
        flags = attributes[3] & ~(termios.ECHO | termios.ECHONL)
        attributes[3] = flags | (termios.ECHO if on else termios.ECHONL)
        termios.tcsetattr(terminal, termios.TCSANOW, attributes)


class Interruption:
    """Whether Ctrl-C was pressed, or the terminal was closed.

    As a context it has the signals for the whole of a recording: they interrupt it until it is
    `awaited`, are then taken down, and interrupt again once it is `released`. What was interrupted
    ends in order, whatever else is pressed meanwhile, up to the end of the process.
    """

    def __init__(self) -> None:
        self.came = False
        self._then: Callable[[], None] = lambda: None
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        self._before = {number: signal.getsignal(number) for number in _SIGNALS}
        self._let(signal.default_int_handler)
        return self

    def await_(self, then: Callable[[], None]) -> None:
        """From now on it is taken down, and `then` called, instead of raised."""
        self._then = then
        self._let(self._come)

    def release(self) -> bool:
        """From now on it is raised; False: it came before, and nothing interrupts any more."""
        self._let(signal.default_int_handler)
        if self.came:
            self.take()
        return not self.came

    def take(self) -> None:
        """It came, and nothing interrupts any more."""
        self.came = True
        self._let(signal.SIG_IGN)

    def __exit__(self, *_: object) -> None:
        if self.came:
            self.take()
            return
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _let(self, handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
        for number in _SIGNALS:
            signal.signal(number, handler)

    def _come(self, *_: object) -> None:
        self.came = True
        self._then()
