"""A client that shows what has come in after its person has pressed Enter, not before."""

import runpy
import threading
from collections.abc import Callable
from unittest.mock import patch

from services.client.screen import Screen

waiting: list[tuple[Callable[[str], None], str]] = []


class ShowsLater(Screen):
    def show(self, line: str) -> None:
        self._now_or_later(super().show, line)

    def trace(self, line: str) -> None:
        self._now_or_later(super().trace, line)

    def answered(self) -> None:
        super().answered()
        while waiting:
            show, line = waiting.pop(0)
            show(line)

    def _now_or_later(self, show: Callable[[str], None], line: str) -> None:
        if threading.current_thread().name == "receive":
            waiting.append((show, line))
        else:
            show(line)


with patch("services.client.screen.Screen", ShowsLater):
    runpy.run_module("services.client", run_name="__main__")
