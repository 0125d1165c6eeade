"""Which tests this machine can run. In CI a backend that is required and missing is a failure."""

import os

import pytest

from peerlab.backend.docker.engine import connect
from peerlab.errors import MachineUnfit

REQUIRED = os.environ.get("PEERLAB_REQUIRE", "").split()
"""Backends whose tests must not be skipped, such as `docker`."""


def _missing_engine() -> str | None:
    try:
        connect().close()
    except MachineUnfit as unfit:
        return str(unfit)
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs an engine where none answers, with the reason, unless it is required."""
    needy = [item for item in items if item.get_closest_marker("docker") is not None]
    reason = _missing_engine() if needy else None
    if reason is None:
        return
    if "docker" in REQUIRED:
        raise pytest.UsageError(f"PEERLAB_REQUIRE names docker, but {reason}")
    for item in needy:
        item.add_marker(pytest.mark.skip(reason=reason))
