"""A client that binds its UDP socket when its person first asks for the list."""

import runpy
from unittest.mock import patch

from services.client import session
from services.client.actions import Actions, OpenPeer
from services.client.session import Session
from services.protocol import Accepted

later: Actions = []


class BindsLater(Session):
    def _accepted(self, reply: Accepted) -> Actions:
        actions = super()._accepted(reply)
        later.extend(action for action in actions if isinstance(action, OpenPeer))
        return [action for action in actions if action not in later]

    def _show_list(self) -> Actions:
        opening = later.copy()
        later.clear()
        return [*opening, *super()._show_list()]


with patch.object(session, "Session", BindsLater):
    runpy.run_module("services.client", run_name="__main__")
