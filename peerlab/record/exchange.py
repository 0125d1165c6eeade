"""What a recording and those who join it tell each other: one JSON object a line."""

import json
from typing import Any, Final

MOST_BYTES: Final = 256 * 1024
"""Bytes of a line without an end after which the other side is not one of ours."""

Message = dict[str, Any]


def packed(**message: object) -> bytes:
    """A message, ready to be sent."""
    return json.dumps(message).encode() + b"\n"


class Inbox:
    """Puts messages together from pieces."""

    def __init__(self) -> None:
        self._rest = b""

    def take(self, data: bytes) -> list[Message]:
        """The messages that end in these bytes.

        Raises:
            ValueError: these are no messages.
        """
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > MOST_BYTES:
            raise ValueError("a message has no end")
        messages = [json.loads(line) for line in lines]
        if not all(isinstance(message, dict) for message in messages):
            raise ValueError("got something else than messages")
        return messages
