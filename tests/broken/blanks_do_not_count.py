"""A server that takes no account of blanks around a password."""

import runpy
from unittest.mock import patch


def equal_inside(given: bytes, expected: bytes) -> bool:
    return given.strip() == expected


with patch("hmac.compare_digest", equal_inside):
    runpy.run_module("services.server", run_name="__main__")
