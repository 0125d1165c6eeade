"""A client that drops the blanks around a message."""

import runpy
from unittest.mock import patch

from services.client import session
from services.client.actions import Actions
from services.client.session import Session


class Strips(Session):
    def _message_typed(self, text: str) -> Actions:
        return super()._message_typed(text.strip())


with patch.object(session, "Session", Strips):
    runpy.run_module("services.client", run_name="__main__")
