"""The command join."""

import os
import selectors
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from peerlab.cli.common import reports_errors
from peerlab.cli.recording import SOCKET
from peerlab.errors import ExitStatus, UsageError
from peerlab.report.escape import escape

if TYPE_CHECKING:
    from peerlab.record.exchange import Message

_PIECE: Final = 65536


@click.command()
@click.argument("node")
@SOCKET
@reports_errors
def join(*, node: str, directory: Path | None) -> ExitStatus:
    """Sit down at a node of a lab that `peerlab record` runs.

    What you type goes to its program, line by line. /leave or Ctrl-D leaves, and the program runs
    on; /secret hides the next line; /interrupt and /eof are for the program. To type a line that
    begins with /, begin it with two.
    """
    from peerlab.cli.console import set_echo  # noqa: PLC0415
    from peerlab.record.place import default_directory, socket_path  # noqa: PLC0415

    path = socket_path(directory or default_directory(os.environ))
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(str(path))
        except OSError:
            raise UsageError(
                f"no lab is being recorded in {str(path.parent)!r}",
                hint="`peerlab record` begins one; give both the same --socket, or none",
            ) from None
        keyboard = sys.stdin.fileno()
        try:
            _Guest(connection, keyboard, lambda on: set_echo(keyboard, on=on)).stay(node)
        finally:
            set_echo(keyboard, on=True)
    return ExitStatus.PASSED


class _Guest:
    """Somebody at a node."""

    def __init__(
        self, connection: socket.socket, keyboard: int, echo: Callable[[bool], None]
    ) -> None:
        from peerlab.record.exchange import Inbox  # noqa: PLC0415

        self._connection = connection
        self._keyboard = keyboard
        self._echo = echo
        self._inbox = Inbox()
        self._typed = b""
        self._is_asked = False
        self._hides_next = False
        self._stays = True

    def stay(self, node: str) -> None:
        """Show and type until either side leaves.

        Raises:
            UsageError: there is no such node.
        """
        self._send(join=node)
        self._hear()  # before anything is typed: perhaps nobody may sit there
        with selectors.SelectSelector() as selector:
            selector.register(self._connection, selectors.EVENT_READ, self._hear)
            selector.register(self._keyboard, selectors.EVENT_READ, self._read)
            while self._stays:
                for key, _ in selector.select():
                    if self._stays:
                        key.data()

    def _hear(self) -> None:
        data = self._connection.recv(_PIECE)
        if not data:
            self._leave("the lab has ended")
        for message in self._inbox.take(data):
            self._take(message)

    def _take(self, message: "Message") -> None:
        match message:
            case {"text": str(text), "secret": bool(is_asked)}:
                click.echo(escape(text), nl=False)
                self._is_asked = is_asked
                self._set_echo()
            case {"problem": str(problem)}:
                click.echo(escape(f"({problem})"))
            case {"unknown": str(node), "nodes": list(nodes)}:
                raise UsageError(
                    f"there is no node {node!r}", hint=f"nodes are: {', '.join(nodes)}"
                )
            case {"ended": int(status)}:
                self._leave(f"the program ended with status {status}")
            case _:
                self._leave("the lab has ended")

    def _read(self) -> None:
        data = os.read(self._keyboard, _PIECE)
        if not data:
            self._leave("left; the program runs on")
        *lines, self._typed = (self._typed + data).split(b"\n")
        for line in lines:
            if self._stays:
                self._line(line.decode(errors="replace"))

    def _line(self, line: str) -> None:
        if self._hides_next:
            self._hides_next = False
            self._send(line=line, secret=True)
        elif self._is_asked or line.startswith("//") or not line.startswith("/"):
            line = line.removeprefix("/") if line.startswith("//") and not self._is_asked else line
            self._send(line=line)
        elif line == "/leave":
            self._leave("left; the program runs on")
        elif line == "/secret":
            self._hides_next = True
        elif line in {"/interrupt", "/eof"}:
            self._send(do=line.removeprefix("/"))
        else:
            click.echo("(/leave, /secret, /interrupt or /eof; begin a line of your own with //)")
        self._set_echo()

    def _set_echo(self) -> None:
        self._echo(not (self._is_asked or self._hides_next))

    def _leave(self, why: str) -> None:
        click.echo(f"({why})")
        self._stays = False

    def _send(self, **message: object) -> None:
        from peerlab.record.exchange import packed  # noqa: PLC0415

        self._connection.sendall(packed(**message))
