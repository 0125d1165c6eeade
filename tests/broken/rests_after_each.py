"""A client whose receive thread rests for six seconds after each datagram."""

import runpy
import time
from unittest.mock import patch

from services.client.screen import Screen


class Rests(Screen):
    def trace(self, line: str) -> None:
        super().trace(line)
        if line.startswith("received"):
            time.sleep(6)  # noqa: TID251 - the mistake itself


with patch("services.client.screen.Screen", Rests):
    runpy.run_module("services.client", run_name="__main__")
