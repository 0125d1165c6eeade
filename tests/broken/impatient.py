"""A client that takes the server for gone after a fifth of a second without an answer."""

import runpy
from unittest.mock import patch

from services.client import client

with patch.object(client, "REPLY_TIMEOUT", 0.2):
    runpy.run_module("services.client", run_name="__main__")
