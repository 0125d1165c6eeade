"""A client that shows what comes in clear, though everybody who may write to it seals."""

import runpy
from unittest.mock import patch

from services.client import client
from services.client.peer import Peer
from services.datagram import TAG
from services.values import Address


class TakesBoth(Peer):
    def _admitted(self, data: bytes, source: Address) -> tuple[bytes, str | None] | None:
        if data.startswith(TAG):
            return data, self._book.label_of(source)
        return super()._admitted(data, source)


with patch.object(client, "Peer", TakesBoth):
    runpy.run_module("services.client", run_name="__main__")
