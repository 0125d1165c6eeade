"""A client that sends the first hundred characters of a message."""

import runpy
from unittest.mock import patch

from services.client import session
from services.client.actions import Actions
from services.client.session import Session


class CutsShort(Session):
    def _message_typed(self, text: str) -> Actions:
        return super()._message_typed(text[:100])


with patch.object(session, "Session", CutsShort):
    runpy.run_module("services.client", run_name="__main__")
