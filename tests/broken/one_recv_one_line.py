"""A server that takes what it reads at once for a line."""

import runpy
from unittest.mock import patch

from services.lines import LineReader
from services.server import server
from services.values import ProtocolError


class ReadsOnce(LineReader):
    def feed(self, data: bytes) -> list[str | ProtocolError]:
        return super().feed(data.removesuffix(b"\n") + b"\n")


with patch.object(server, "LineReader", ReadsOnce):
    runpy.run_module("services.server", run_name="__main__")
