"""A client that makes room for 256 bytes of a datagram."""

import runpy
from unittest.mock import patch

from services.media import arrival

with patch.object(arrival, "_LARGEST_DATAGRAM", 256):
    runpy.run_module("services.client", run_name="__main__")
