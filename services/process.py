"""What a program here needs of its process: standard streams that work, and an end in order."""

import contextlib
import io
import os
import signal
import socket
import sys
from collections.abc import Iterator


def prepare_streams() -> None:
    """Make standard output take any text, and open the standard streams that came closed.

    The descriptor of a closed one would otherwise become that of the first socket.
    """
    sys.stdin = sys.stdin or os.fdopen(os.open(os.devnull, os.O_RDONLY))
    sys.stdout = sys.stdout or os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    sys.stderr = sys.stderr or os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that has no emoji gets their numbers.
        sys.stdout.reconfigure(errors="backslashreplace")


def find_libraries() -> None:
    """Make what is installed besides the standard library importable.

    Nodes of a lab start without (`python3 -S`): it takes time, and few need anything of it.
    """
    if sys.flags.no_site:
        import site  # noqa: PLC0415

        site.main()


@contextlib.contextmanager
def stop_on_signals() -> Iterator[socket.socket]:
    """Give a socket that becomes readable once SIGINT, SIGTERM, SIGHUP or SIGQUIT has come.

    The signals stay without effect afterwards: the program is about to end, and a second Ctrl-C
    must not break that off with a traceback.
    """
    stop, alarm = socket.socketpair()
    with stop, alarm:
        alarm.settimeout(0)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            # Python writes to the wake-up descriptor only for signals that have a handler.
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(alarm.fileno(), warn_on_full_buffer=False)
        try:
            yield stop
        finally:
            signal.set_wakeup_fd(-1)
