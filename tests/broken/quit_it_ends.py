"""A client that takes whatever begins with `quit` for it."""

import runpy
from unittest.mock import patch

from services.client import session
from services.client.actions import Actions
from services.client.session import QUIT, Session


class EndsEarly(Session):
    def line_typed(self, line: str) -> Actions:
        return super().line_typed(QUIT if line.startswith(QUIT) else line)


with patch.object(session, "Session", EndsEarly):
    runpy.run_module("services.client", run_name="__main__")
