"""A client that shows every message with the time of the first one."""

import runpy
from unittest.mock import patch

from services.client import peer
from services.client.peer import describe
from services.values import Address

moments: list[str] = []


def first_moment(
    data: bytes, source: Address, label: str | None, arrival: float
) -> tuple[str, str]:
    shown, traced = describe(data, source, label, arrival)
    day, moment, rest = shown.split(" ", 2)
    moments.append(f"{day} {moment}")
    return f"{moments[0]} {rest}", traced


with patch.object(peer, "describe", first_moment):
    runpy.run_module("services.client", run_name="__main__")
