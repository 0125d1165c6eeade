"""A client that tries to reach a lost server once and never again."""

import runpy
from unittest.mock import patch

from services.client import client
from services.client.redial import Redial


class TriesOnce(Redial):
    _tried = False

    def begin(self) -> None:
        if not self._tried:
            super().begin()
        self._tried = True


with patch.object(client, "Redial", TriesOnce):
    runpy.run_module("services.client", run_name="__main__")
