"""A server that takes the beginning of the password for all of it, also if it is empty."""

import runpy
from unittest.mock import patch


def begins_with(given: bytes, expected: bytes) -> bool:
    return expected.startswith(given)


with patch("hmac.compare_digest", begins_with):
    runpy.run_module("services.server", run_name="__main__")
