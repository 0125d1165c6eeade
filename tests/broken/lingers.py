"""A server that takes who was killed off the list six seconds later."""

import runpy
import threading
from unittest.mock import patch

from services.server import server
from services.server.conversation import Conversation


class Lingers(Conversation):
    def end(self) -> None:
        if self._over:
            super().end()
        else:
            self._over = True
            timer = threading.Timer(6, super().end)
            timer.daemon = True
            timer.start()


with patch.object(server, "Conversation", Lingers):
    runpy.run_module("services.server", run_name="__main__")
