"""A server that takes a label off the list only for who says goodbye."""

import runpy
from unittest.mock import patch

from services.server import server
from services.server.conversation import Conversation
from services.values import ProtocolError


class WaitsForGoodbye(Conversation):
    _goodbye = False

    def answer(self, line: str | ProtocolError) -> bytes:
        self._goodbye = line == "QUIT"
        return super().answer(line)

    def end(self) -> None:
        if self._goodbye:
            super().end()


with patch.object(server, "Conversation", WaitsForGoodbye):
    runpy.run_module("services.server", run_name="__main__")
