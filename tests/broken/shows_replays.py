"""A client that shows a message as often as it comes."""

import runpy
from unittest.mock import patch

from services.client import peer
from services.client.guard import Guard
from services.values import Address


class Forgets(Guard):
    def admits(self, data: bytes, source: Address | str) -> bool:
        self._seen.clear()
        return super().admits(data, source)


with patch.object(peer, "Guard", Forgets):
    runpy.run_module("services.client", run_name="__main__")
