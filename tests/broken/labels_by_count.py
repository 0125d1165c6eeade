"""A server whose labels are the number of clients on the list."""

import runpy
from unittest.mock import patch

from services.server import server
from services.server.registry import Registry
from services.values import Address


class Counts(Registry):
    def add(self, address: Address) -> str:
        self._logins = len(self.client_addresses)
        return super().add(address)


with patch.object(server, "Registry", Counts):
    runpy.run_module("services.server", run_name="__main__")
