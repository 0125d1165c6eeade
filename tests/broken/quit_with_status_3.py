"""A client that ends with status 3 on `quit`."""

import runpy
from unittest.mock import patch

from services.client import session
from services.client.actions import Actions, End
from services.client.session import Session


class EndsBadly(Session):
    def input_ended(self) -> Actions:
        return [*super().input_ended()[:-1], End(3)]


with patch.object(session, "Session", EndsBadly):
    runpy.run_module("services.client", run_name="__main__")
