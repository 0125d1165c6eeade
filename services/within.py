"""Reading and writing a connected socket within a time.

The socket is non-blocking and stays so: of what a timeout of its own would cost, which is more
calls of the system than the reading and writing, only the waiting is left.
"""

import select
import socket
import time

_RECEIVE_SIZE = 65536


def receive(connection: socket.socket, seconds: float | None) -> bytes | None:
    """Return what comes, b"" at the end of the connection, None if nothing comes in time.

    What has come already counts as in time, however late this looks: the program may have stood
    still itself, and then the time is over before anybody has looked.

    Raises:
        OSError: the connection has ended in another way.
    """
    _wait(connection, select.POLLIN, seconds)
    try:
        return connection.recv(_RECEIVE_SIZE)
    except BlockingIOError:
        return None


def has_come(connection: socket.socket) -> bool:
    """Return whether there is something to receive at once, be it the end of the connection."""
    return _wait(connection, select.POLLIN, 0.0)


def send(connection: socket.socket, data: bytes, seconds: float) -> None:
    """Send all of it.

    Raises:
        TimeoutError: the other end does not take it in time.
        OSError: the connection has ended.
    """
    left = memoryview(data)
    deadline = None
    while left:
        try:
            left = left[connection.send(left) :]
        except BlockingIOError:
            deadline = deadline or time.monotonic() + seconds
            if not _wait(connection, select.POLLOUT, deadline - time.monotonic()):
                raise TimeoutError("timed out") from None


def _wait(connection: socket.socket, event: int, seconds: float | None) -> bool:
    waiting = select.poll()
    waiting.register(connection, event)
    return bool(waiting.poll(None if seconds is None else 1000 * max(0.0, seconds)))
