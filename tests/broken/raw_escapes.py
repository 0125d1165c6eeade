"""A client that prints the escape sequences in a message as they came."""

import runpy
from unittest.mock import patch

from services.client import peer


def unchanged(text: str) -> str:
    return text


with patch.object(peer, "escape", unchanged):
    runpy.run_module("services.client", run_name="__main__")
