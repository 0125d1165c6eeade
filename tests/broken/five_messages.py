"""A client that shows the first five messages alone, though it receives them all."""

import runpy
from unittest.mock import patch

from services.client.screen import Screen


class FallsAsleep(Screen):
    _messages = 0

    def show(self, line: str) -> None:
        self._messages += "Received message from" in line
        if self._messages <= 5:
            super().show(line)


with patch("services.client.screen.Screen", FallsAsleep):
    runpy.run_module("services.client", run_name="__main__")
