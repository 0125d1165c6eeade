"""A client that goes on asking as if the server were still there."""

import runpy
from unittest.mock import patch

from services.client import session
from services.client.actions import Actions, HangUp
from services.client.session import Session


class MissesNobody(Session):
    def server_gone(self, reason: str) -> Actions:
        del reason
        return [HangUp()]

    def _tell_lost(self) -> Actions:
        return []


with patch.object(session, "Session", MissesNobody):
    runpy.run_module("services.client", run_name="__main__")
