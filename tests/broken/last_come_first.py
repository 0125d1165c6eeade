"""A client that shows the newest first where several datagrams have come."""

import contextlib
import runpy
import select
import socket
import time
from unittest.mock import patch

from services.client import client
from services.client.peer import Peer, describe


class TakesFromTheTop(Peer):
    def _receive(self) -> None:
        while self._stop not in select.select([self._udp, self._stop], [], [])[0]:
            pile = []
            with contextlib.suppress(BlockingIOError):
                while True:
                    pile.append(self._udp.recvfrom(65535, socket.MSG_DONTWAIT))
            for data, source in reversed(pile):
                label = self._book.label_of(source)
                shown, traced = describe(data, source, label, time.time())
                self._screen.show(shown)
                self._screen.trace(traced)


with patch.object(client, "Peer", TakesFromTheTop):
    runpy.run_module("services.client", run_name="__main__")
