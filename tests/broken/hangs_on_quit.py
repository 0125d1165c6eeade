"""A client that waits for the server's goodbye, however long that takes."""

import runpy
from unittest.mock import patch

from services.client import signalling

with patch.object(signalling, "FAREWELL_TIMEOUT", 3600.0):
    runpy.run_module("services.client", run_name="__main__")
