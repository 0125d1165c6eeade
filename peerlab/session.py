"""Plays many scenarios, several at a time, and ends in order when a person presses Ctrl-C."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from itertools import islice
from typing import Final

from peerlab.checks.result import Result
from peerlab.play import Stop
from peerlab.scenario.model import Scenario

LOOK_UP: Final = 0.5
"""Seconds after which the main thread looks up from a wait. Python sees a Ctrl-C that comes just
before a thread blocks only when it is awake again."""


class Interrupted(Exception):  # noqa: N818 - a person's wish, not an error
    """Raised after Ctrl-C, once every run has ended and cleaned up."""


PlayOne = Callable[[Scenario, Stop], Result]


def play_all(
    scenarios: Iterable[Scenario],
    play_one: PlayOne,
    *,
    jobs: int,
    done: Callable[[Result], None],
) -> None:
    """Play them, `jobs` at a time, and call `done` with each result as it comes.

    Nothing is kept of a result once `done` has it, so there may be any number of them.

    Raises:
        Interrupted: Ctrl-C was pressed; every run has ended, cleaned up, and told its result.
        PeerlabError: a run could not be made; the others have ended.
    """
    stop = Stop()
    coming = iter(scenarios)
    with ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="run") as pool:
        untold: list[Future[Result]] = []
        try:
            while True:
                # Some more wait than can be played, so that nobody waits while results are told.
                untold.extend(  # one by one: whatever interrupts this, those under way are known
                    pool.submit(play_one, scenario, stop)
                    for scenario in islice(coming, 2 * jobs - len(untold))
                )
                if not untold:
                    return
                ended, _ = wait(untold, LOOK_UP, return_when=FIRST_COMPLETED)
                for future in [future for future in untold if future in ended]:
                    untold.remove(future)
                    done(future.result())
        except BaseException as error:
            _end_all(untold, stop)
            if not isinstance(error, KeyboardInterrupt):
                raise
            for future in untold:
                if not (future.cancelled() or future.exception()):
                    with suppress(OSError):  # the terminal may be gone: that interrupts, too
                        done(future.result())
            raise Interrupted from None


def _end_all(futures: Sequence[Future[Result]], stop: Stop) -> None:
    """Let every run end and clean up, whatever else is pressed meanwhile."""
    while True:
        try:
            for future in futures:
                future.cancel()
            stop.request()
            wait(futures)
        except KeyboardInterrupt:
            continue
        return
