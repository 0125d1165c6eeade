"""A program that runs, and this side's ends of its standard streams. Nothing here ever waits."""

import contextlib
import fcntl
import os
import pty
import signal
import socket
import subprocess
import termios
import threading
from collections.abc import Sequence
from functools import partial
from typing import Final

from services.display import escape
from services.settings import reason
from services.terminal.frames import MAX_PAYLOAD, Kind

_NOT_FOUND: Final = 127
_NOT_RUNNABLE: Final = 126
_INTERRUPT_KEY: Final = b"\x03"
_END_OF_INPUT_KEY: Final = b"\x04"


class Program:
    """A program in a session of its own, on pipes or on a pseudo-terminal.

    One that cannot be started has ended at once, with the status that a shell gives.

    Attributes:
        outputs: descriptors to read until they end, and which stream each of them is.
        input: descriptor to write to; None once there is nobody to read it or nothing to write.
        ended: readable once the program has ended, for `reap`.
        status: exit status; 128 + n stands for the end by signal n. None until it is reaped.
        complaint: why the program could not be started.
    """

    def __init__(self, command: Sequence[str], *, on_pty: bool) -> None:
        self.outputs: dict[int, Kind] = {}
        self.input: int | None = None
        self.status: int | None = None
        self.complaint = ""
        self.ended, self._alarm = socket.socketpair()
        self._on_pty = on_pty
        self._typed = bytearray()
        self._input_ended = False
        self._stands_still = False
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._process = self._start(command)
        except OSError as error:
            self.status = _NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_RUNNABLE
            self.complaint = f"cannot run {escape(command[0])}: {reason(error)}"
            self._alarm.close()
        else:
            threading.Thread(target=self._await_end, args=(self._process,), daemon=True).start()

    def _start(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        stdin, stdout, stderr = self._open_pty() if self._on_pty else self._open_pipes()
        try:
            return subprocess.Popen(
                command,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
                # Ctrl-C reaches whoever has the terminal as its own. No thread is there yet.
                preexec_fn=_own_terminal if self._on_pty else None,  # noqa: PLW1509
            )
        finally:
            for descriptor in {stdin, stdout, stderr}:
                os.close(descriptor)

    def _open_pipes(self) -> tuple[int, int, int]:
        """Make the pipes, keep these ends and return the program's."""
        stdin, our_stdin = os.pipe()
        our_stdout, stdout = os.pipe()
        our_stderr, stderr = os.pipe()
        self._keep(our_stdin, {our_stdout: Kind.STDOUT, our_stderr: Kind.STDERR})
        return stdin, stdout, stderr

    def _open_pty(self) -> tuple[int, int, int]:
        ours, terminal = pty.openpty()
        self._keep(os.dup(ours), {ours: Kind.STDOUT})
        return terminal, terminal, terminal

    def _keep(self, stdin: int, outputs: dict[int, Kind]) -> None:
        self.input, self.outputs = stdin, outputs
        for descriptor in (stdin, *outputs):
            os.set_blocking(descriptor, False)

    def _await_end(self, process: subprocess.Popen[bytes]) -> None:
        process.wait()
        self._alarm.close()

    @property
    def unread(self) -> int:
        """Bytes that were typed and that the program has not taken yet."""
        return len(self._typed)

    def type(self, data: bytes) -> None:
        """Write to standard input, now or when the program takes it (`flush`)."""
        if self.input is not None and not self._input_ended:
            self._typed += data
            self.flush()

    def end_input(self) -> None:
        """Close standard input after what was typed; on a pseudo-terminal press Ctrl-D."""
        if self._on_pty:
            self.type(_END_OF_INPUT_KEY)
        else:
            self._input_ended = True
            self.flush()

    def flush(self) -> None:
        """Write what was typed, as much as the program takes now."""
        if self.input is None:
            return
        try:
            while self._typed:
                del self._typed[: os.write(self.input, self._typed)]
        except BlockingIOError:
            return
        except OSError:  # nobody will read it any more
            self._input_ended = True
        if self._input_ended:
            self._typed.clear()
            os.close(self.input)
            self.input = None

    def read(self, output: int) -> bytes | None:
        """Return a piece of output; b"" at its end, None where there is nothing now."""
        try:
            return os.read(output, MAX_PAYLOAD)
        except BlockingIOError:
            return None
        except OSError:  # a pseudo-terminal that nobody has open any more
            return b""

    def close_output(self, output: int) -> None:
        """Read no more from this output."""
        del self.outputs[output]
        os.close(output)

    def interrupt(self) -> None:
        """Interrupt the program; on a pseudo-terminal press Ctrl-C."""
        if self._on_pty:
            self.type(_INTERRUPT_KEY)
        else:
            self._signal(signal.SIGINT)

    def terminate(self) -> None:
        """Ask the program to end."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the program and what it started, as the end of a container does."""
        self._signal_all(signal.SIGKILL)

    def pause(self) -> None:
        """Let the program and what it started stand still."""
        self._stands_still = True
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused program go on."""
        if self._stands_still:
            self._stands_still = False
            self._signal_all(signal.SIGCONT)

    def reap(self) -> None:
        """Take the status of the program, which has ended or was killed; end what it started."""
        if self._process is not None and self.status is None:
            self.kill()
            code = self._process.wait()
            self.status = code if code >= 0 else 128 - code

    def close(self) -> None:
        """Kill the program if it still runs, and close everything."""
        self.kill()
        self.reap()
        for output in list(self.outputs):
            self.close_output(output)
        if self.input is not None:
            os.close(self.input)
            self.input = None
        self.ended.close()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self.status is None:
            self._process.send_signal(number)

    def _signal_all(self, number: signal.Signals) -> None:
        if self._process is not None and self.status is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)


_own_terminal = partial(fcntl.ioctl, 0, termios.TIOCSCTTY, 0)
