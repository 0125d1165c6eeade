"""A server that ends a connection on which nothing comes for half a second after the login."""

import runpy
import select
from unittest.mock import patch

from services.channel import Channel
from services.server import server
from services.server.server import GivenUpError, Server


class LosesPatience(Server):
    def _hear(self, channel: Channel, *, answers_pings: bool) -> bytes:
        if answers_pings and not select.select([channel], [], [], 0.5)[0]:
            raise GivenUpError("said nothing for half a second")
        return super()._hear(channel, answers_pings=False)


with patch.object(server, "Server", LosesPatience):
    runpy.run_module("services.server", run_name="__main__")
