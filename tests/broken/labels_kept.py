"""A server that never takes a label off the list."""

import runpy
from unittest.mock import patch

from services.server import server
from services.server.registry import Registry


class KeepsLabels(Registry):
    def remove(self, label: str) -> None:
        del label


with patch.object(server, "Registry", KeepsLabels):
    runpy.run_module("services.server", run_name="__main__")
