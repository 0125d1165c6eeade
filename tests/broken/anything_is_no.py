"""A client that takes every answer but Y to the question for the list for N."""

import runpy
from unittest.mock import patch

from services.client import session
from services.client.actions import Actions
from services.client.session import Session


class TakesItForNo(Session):
    def _list_typed(self, line: str) -> Actions:
        return super()._list_typed(line if line == "Y" else "N")


with patch.object(session, "Session", TakesItForNo):
    runpy.run_module("services.client", run_name="__main__")
