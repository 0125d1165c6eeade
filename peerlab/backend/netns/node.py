"""The first process of a node: gives it its place, runs its program, and ends with it.

It is process 1 of the node's PID namespace, so that its end ends everything that the program
started. It passes signals on and collects what has ended, as tini does in a container.
"""

import contextlib
import fcntl
import os
import resource
import select
import signal
import socket
import termios
from collections.abc import Mapping, Sequence
from typing import NoReturn

from peerlab.backend.netns import syscalls
from peerlab.backend.netns.view import View

PAUSE = signal.SIGUSR1
"""Sent to a node's first process: stop all others of the node."""

RESUME = signal.SIGUSR2
"""Sent to a node's first process: let them go on."""

DONE = b"."
"""Reported when PAUSE or RESUME has had its effect."""

_PASSED_ON = frozenset({signal.SIGINT, signal.SIGTERM})
_AWAITED = _PASSED_ON | {PAUSE, RESUME, signal.SIGCHLD}
_SETTABLE = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}
_STILL = frozenset("TtZXx")  # states in proc(5): stopped, traced, ended
_LOOK_AGAIN = 0.001  # seconds
_LAB = 0  # the process id of senders outside the PID namespace
_NOT_FOUND, _NOT_RUNNABLE = 127, 126  # exit statuses as shells give them


class Program:
    """How to run a node's program.

    Attributes:
        limits: what it may use at most, by number of the resource, see getrlimit(2).
        pty: whether its streams are a pseudo-terminal.
    """

    def __init__(
        self,
        command: list[str],
        environment: Mapping[str, str],
        directory: str,
        limits: Mapping[int, int],
        *,
        pty: bool,
    ) -> None:
        self.command = command
        self.environment = environment
        self.directory = directory
        self.limits = limits
        self.pty = pty


class Place:
    """Where a node is: its host name, its network namespace, what it sees, as whom it runs."""

    def __init__(self, name: str, network: int, view: View, user: int) -> None:
        self.name = name
        self.network = network
        self.view = view
        self.user = user


def live(place: Place, program: Program, descriptors: Sequence[int], report: int) -> NoReturn:
    """Be a node, in a process just forked into a PID namespace of its own.

    Args:
        place: where the node is.
        program: what it runs.
        descriptors: the program's standard streams; with a pseudo-terminal, a socket over which
            its other end goes to the lab.
        report: where to write DONE when all stand still or go on as asked, and why the program
            could not even be tried.
    """
    status = 1
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
        syscalls.setns(place.network, syscalls.CLONE_NEWNET)
        syscalls.unshare(syscalls.CLONE_NEWNS | syscalls.CLONE_NEWUTS | syscalls.CLONE_NEWIPC)
        socket.sethostname(place.name)
        place.view.finish()
        streams = _pseudo_terminal(descriptors[0], place.user) if program.pty else descriptors
        pid = os.fork()
        if pid == 0:
            _run(program, streams, place.user, report)
        for stream in {*streams, *descriptors}:
            os.close(stream)
        status = _attend(pid, report)
    except OSError as error:
        os.write(report, str(error).encode())
    finally:
        os._exit(status)


def _pseudo_terminal(channel: int, user: int) -> tuple[int, int, int]:
    """Make a pseudo-terminal among the node's own devices."""
    outside, inside = os.openpty()
    os.fchown(inside, user, -1)
    with socket.socket(fileno=os.dup(channel)) as to_lab:
        socket.send_fds(to_lab, [b"pty"], [outside])
    os.close(outside)
    return inside, os.dup(inside), os.dup(inside)


def _attend(program: int, report: int) -> int:
    """Serve the program until it ends, and return its exit status."""
    while True:
        signalled = signal.sigwaitinfo(_AWAITED)
        if signalled.si_signo == signal.SIGCHLD:
            status = _collect(program)
            if status is not None:
                return status
        elif signalled.si_pid == _LAB:  # programs of the node cannot ask for anything
            _obey(signalled.si_signo, program, report)


def _obey(number: int, program: int, report: int) -> None:
    """Do what a signal of the lab asks for."""
    if number == PAUSE:
        os.kill(-1, signal.SIGSTOP)
        # That is a request: a thread on another processor runs on until that takes notice.
        while not _all_stand_still():
            select.select([], [], [], _LOOK_AGAIN)
        os.write(report, DONE)
    elif number == RESUME:
        os.kill(-1, signal.SIGCONT)
        os.write(report, DONE)
    else:
        os.kill(program, number)


def _all_stand_still() -> bool:
    """Whether every thread of the node's other processes is stopped, or has ended."""
    for pid in os.listdir("/proc"):
        if pid.isdigit() and pid != "1":
            # One that ends meanwhile is gone from there.
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                for thread in os.listdir(f"/proc/{pid}/task"):
                    with open(f"/proc/{pid}/task/{thread}/stat", encoding="latin-1") as file:
                        _, _, rest = file.read().rpartition(")")  # before it is a name
                    if rest.split(None, 1)[0] not in _STILL:
                        return False
    return True


def _collect(program: int) -> int | None:
    """Collect every process that has ended; the exit status if the program is among them."""
    while True:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return None
        if pid == program:
            return exit_status(status)


def exit_status(status: int) -> int:
    """Of what waitpid(2) tells: the exit status as shells give it, 128 + n after signal n."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _run(program: Program, streams: Sequence[int], user: int, report: int) -> NoReturn:
    """Become the program."""
    status = _NOT_RUNNABLE
    try:
        _drop_privileges(program, streams, user)
    except (OSError, ValueError) as error:
        os.write(report, f"cannot become the user of the program: {error}".encode())
        os._exit(status)
    try:
        os.chdir(program.directory)
        os.execvpe(program.command[0], program.command, program.environment)  # noqa: S606
    except FileNotFoundError as error:
        status = _NOT_FOUND
        _complain(program, error)
    except (OSError, ValueError) as error:
        _complain(program, error)
    finally:
        os._exit(status)


def _drop_privileges(program: Program, streams: Sequence[int], user: int) -> None:
    """Leave what belongs to the lab: its streams, its limits, its rights, its signals."""
    os.setsid()
    if program.pty:
        fcntl.ioctl(streams[0], termios.TIOCSCTTY, 0)
    for target, stream in enumerate(streams):
        os.dup2(stream, target)
    for kind, limit in program.limits.items():
        resource.setrlimit(kind, (limit, limit))
    if user != os.getuid():
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    syscalls.forbid_new_privileges()
    for number in _SETTABLE:  # Python ignores some, and so may who started the runner
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _AWAITED)


def _complain(program: Program, error: OSError | ValueError) -> None:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    where = f" in {program.directory}"
    os.write(2, f"peerlab: cannot run {program.command[0]!r}{where}: {reason}\n".encode())
