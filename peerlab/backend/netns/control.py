"""What the runner and the lab's first process tell each other.

One JSON object a message over a Unix socket that keeps messages apart; file descriptors travel
with the message that speaks of them.
"""

import json
import os
import socket
from collections.abc import Sequence
from typing import Any

MAX_DESCRIPTORS = 3
_MAX_MESSAGE = 1 << 20

Message = dict[str, Any]


def pair() -> tuple[socket.socket, socket.socket]:
    """Two connected ends."""
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in ends:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MAX_MESSAGE)
    return ends


def send(end: socket.socket, message: Message, descriptors: Sequence[int] = ()) -> None:
    """Send one message.

    Raises:
        OSError: nobody is there any more, or the message is longer than the kernel takes.
    """
    socket.send_fds(end, [json.dumps(message).encode()], descriptors)


def receive(end: socket.socket) -> tuple[Message, list[int]] | None:
    """Receive one message and the descriptors that came with it; None: nobody is there any more.

    No program inherits them.
    """
    try:
        data, descriptors, _, _ = socket.recv_fds(end, _MAX_MESSAGE, MAX_DESCRIPTORS)
    except ConnectionResetError:  # it went before it had read everything
        return None
    for descriptor in descriptors:
        os.set_inheritable(descriptor, False)  # the flags of recv_fds are lost in Python 3.11
    if not data:
        return None
    message: Message = json.loads(data)
    return message, descriptors
