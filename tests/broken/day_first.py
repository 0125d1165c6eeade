"""A client that writes the day before the month and the year."""

import re
import runpy
from unittest.mock import patch

from services.client import peer
from services.client.peer import describe
from services.values import Address


def day_first(data: bytes, source: Address, label: str | None, arrival: float) -> tuple[str, str]:
    shown, traced = describe(data, source, label, arrival)
    return re.sub(r"^(\d+)-(\d+)-(\d+)", r"\3-\2-\1", shown), traced


with patch.object(peer, "describe", day_first):
    runpy.run_module("services.client", run_name="__main__")
