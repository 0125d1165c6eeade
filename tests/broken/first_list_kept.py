"""A client that shows the list of its first look at every later look."""

import runpy
from unittest.mock import patch

from services.client import session
from services.client.actions import Actions
from services.client.session import Session
from services.protocol import Clients
from services.values import Address

first: dict[str, Address] = {}


class KeepsTheFirst(Session):
    def _list_arrived(self, part: Clients) -> Actions:
        if not first:
            first.update(part.clients)
        return super()._list_arrived(part._replace(clients=first))


with patch.object(session, "Session", KeepsTheFirst):
    runpy.run_module("services.client", run_name="__main__")
