"""A server that takes every password for the right one."""

import runpy
from unittest.mock import patch


def always_equal(_first: bytes, _second: bytes) -> bool:
    return True


with patch("hmac.compare_digest", always_equal):
    runpy.run_module("services.server", run_name="__main__")
