"""A client that knows no `quit` at the prompt for the number of recipients."""

import runpy
from unittest.mock import patch

from services.client import session
from services.client.actions import Actions, Question
from services.client.session import QUIT, Session


class KnowsNoQuit(Session):
    def line_typed(self, line: str) -> Actions:
        ignored = line == QUIT and self._question is Question.COUNT
        return super().line_typed("?" if ignored else line)


with patch.object(session, "Session", KnowsNoQuit):
    runpy.run_module("services.client", run_name="__main__")
