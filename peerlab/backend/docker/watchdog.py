"""A process that outlives its runner and removes what the runner left.

`python -m peerlab.backend.docker.watchdog SESSION` reads its standard input, whose other end only
the runner holds. A line `done` ends it; the end of input without one means that the runner died,
by whatever means, so everything labelled with the session is removed.
"""

import signal
import subprocess
import sys

WORD = "done"


class Watchdog:
    """The runner's end: start it before the first resource is made."""

    def __init__(self, session: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, session],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in the runner's terminal is not for the watchdog
            text=True,
        )

    def dismiss(self) -> None:
        """Tell the watchdog that nothing is left to do, and wait for its end."""
        self._process.communicate(WORD)

    def leave_it_to(self) -> None:
        """Let the watchdog remove what is left, without waiting for it."""
        if self._process.stdin is not None:
            self._process.stdin.close()


def main() -> int:
    """Wait for the runner's end, then remove what it left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    session = sys.argv[1]
    if sys.stdin.read().strip() == WORD:
        return 0
    # Imported only now, so that waiting costs next to no memory and start-up.
    from peerlab.backend.docker.engine import connect  # noqa: PLC0415
    from peerlab.backend.docker.sweep import LABEL_SESSION, sweep  # noqa: PLC0415

    return 1 if sweep(connect(), f"{LABEL_SESSION}={session}", quiet=1.0) else 0


if __name__ == "__main__":
    sys.exit(main())
