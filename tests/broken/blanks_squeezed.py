"""A client that makes one blank of several."""

import re
import runpy
from unittest.mock import patch

from services.client import session
from services.client.actions import Actions
from services.client.session import Session


class Squeezes(Session):
    def _message_typed(self, text: str) -> Actions:
        return super()._message_typed(re.sub(" +", " ", text))


with patch.object(session, "Session", Squeezes):
    runpy.run_module("services.client", run_name="__main__")
