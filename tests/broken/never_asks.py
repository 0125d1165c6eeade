"""A server that waits for whoever is silent, for as long as it takes."""

import runpy
from unittest.mock import patch

from services.channel import Channel
from services.server import server
from services.server.server import Server


class WaitsForEver(Server):
    def _hear(self, channel: Channel, *, answers_pings: bool) -> bytes:
        del answers_pings
        return super()._hear(channel, answers_pings=False)


with patch.object(server, "Server", WaitsForEver):
    runpy.run_module("services.server", run_name="__main__")
