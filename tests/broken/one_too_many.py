"""A client that takes a number of recipients that is one too high."""

import runpy
from unittest.mock import patch

from services.client import session
from services.client.actions import Actions, Question
from services.client.session import Session


class CountsFromZero(Session):
    def _count_judged(self, count: int) -> Actions:
        if count == len(self._clients) + 1:
            self._count = count
            return self._ask(Question.RECIPIENT)
        return super()._count_judged(count)


with patch.object(session, "Session", CountsFromZero):
    runpy.run_module("services.client", run_name="__main__")
