"""A server that puts who logs in last at the head of the list."""

import runpy
from unittest.mock import patch

from services.server import server
from services.server.registry import Registry
from services.values import Address


class NewestFirst(Registry):
    def add(self, address: Address) -> str:
        label = super().add(address)
        self.client_addresses = {label: address, **self.client_addresses}
        return label


with patch.object(server, "Registry", NewestFirst):
    runpy.run_module("services.server", run_name="__main__")
