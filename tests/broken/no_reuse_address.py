"""A server that does not ask for an address that was in use a moment ago."""

import runpy
import socket
from unittest.mock import patch

with patch.object(socket, "SO_REUSEADDR", socket.SO_KEEPALIVE):
    runpy.run_module("services.server", run_name="__main__")
