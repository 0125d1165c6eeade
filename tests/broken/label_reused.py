"""A server that gives the lowest label that nobody has."""

import runpy
from unittest.mock import patch

from services.server import server
from services.server.registry import Registry
from services.values import Address


class FillsGaps(Registry):
    def add(self, address: Address) -> str:
        self._logins = 0
        while f"USER {self._logins + 1}" in self.client_addresses:
            self._logins += 1
        return super().add(address)


with patch.object(server, "Registry", FillsGaps):
    runpy.run_module("services.server", run_name="__main__")
