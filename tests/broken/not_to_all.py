"""A client that refuses to write to as many as there are."""

import runpy
from unittest.mock import patch

from services.client import session
from services.client.actions import Actions
from services.client.session import Session


class LeavesOneOut(Session):
    def _count_judged(self, count: int) -> Actions:
        return super()._count_judged(0 if count == len(self._clients) else count)


with patch.object(session, "Session", LeavesOneOut):
    runpy.run_module("services.client", run_name="__main__")
