"""A client that knows no `quit` once a recipient is named."""

import runpy
from unittest.mock import patch

from services.client import session
from services.client.actions import Actions, Question
from services.client.session import QUIT, Session


class KnowsNoQuit(Session):
    def line_typed(self, line: str) -> Actions:
        named = self._question is Question.RECIPIENT and self._recipients
        return super().line_typed("?" if line == QUIT and named else line)


with patch.object(session, "Session", KnowsNoQuit):
    runpy.run_module("services.client", run_name="__main__")
