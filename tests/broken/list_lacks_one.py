"""A server whose list lacks the client that has been there longest."""

import runpy
from unittest.mock import patch

from services.protocol import format_reply, split_clients
from services.server import server
from services.server.registry import Registry


class LacksOne(Registry):
    def listing(self, _version: int) -> bytes:
        others = list(self.client_addresses.items())[1:]
        return b"".join(format_reply(part) for part in split_clients(dict(others)))


with patch.object(server, "Registry", LacksOne):
    runpy.run_module("services.server", run_name="__main__")
