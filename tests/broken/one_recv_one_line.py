"""A server that takes what it reads at once for a line."""

import runpy
from unittest.mock import patch

from services.lines import LineReader
from services.server import server
from services.values import ProtocolError

_AT_ONCE = 1024
# Bytes: fewer than the long line of its scenario has, whatever comes at once.


class ReadsOnce(LineReader):
    def feed(self, data: bytes) -> list[str | ProtocolError]:
        lines: list[str | ProtocolError] = []
        for at in range(0, len(data), _AT_ONCE):
            lines += super().feed(data[at : at + _AT_ONCE].removesuffix(b"\n") + b"\n")
        return lines


with patch.object(server, "LineReader", ReadsOnce):
    runpy.run_module("services.server", run_name="__main__")
