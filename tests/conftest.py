"""Which tests this machine can run. In CI a backend that is required and missing is a failure."""

import gc
import os
import signal
import warnings
from collections.abc import Callable
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

from peerlab.backend.docker.engine import connect
from peerlab.backend.netns.probe import probe
from peerlab.errors import MachineUnfit
from tests.native.emulated import try_emulator
from tests.support.chromium import find_chromium

REQUIRED: Final = os.environ.get("PEERLAB_REQUIRE", "").split()
"""Backends whose tests must not be skipped, such as `docker`."""

# The same examples each time, so that only a change of the code changes what comes of them; how
# long they take on a busy machine says nothing.
settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")


def _try_engine() -> None:
    connect().close()


_TRIED_BY: Final[dict[str, Callable[[], object]]] = {
    "docker": _try_engine,
    "netns": probe,
    "uml": try_emulator,
    "browser": find_chromium,
}
"""What raises MachineUnfit where the backend of that name, which is a marker, too, is missing.

So it is with `uml`, a kernel that has what that of the machine may lack, and with `browser`.
"""


def pytest_configure() -> None:
    """Let Ctrl-C be heard: background jobs of a shell ignore it, and so does what they start."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a backend that is missing, with the reason, unless it is required."""
    for name, try_it in _TRIED_BY.items():
        needy = [item for item in items if item.get_closest_marker(name) is not None]
        reason = _why_missing(try_it) if needy else None
        if reason is None:
            continue
        if name in REQUIRED:
            raise pytest.UsageError(f"PEERLAB_REQUIRE names {name}, but {reason}")
        for item in needy:
            item.add_marker(pytest.mark.skip(reason=reason))


def _why_missing(try_it: Callable[[], object]) -> str | None:
    try:
        try_it()
    except MachineUnfit as unfit:
        reason = str(unfit)
    else:
        return None
    with warnings.catch_warnings():
        # Where no engine answers the Docker SDK leaves a socket open: it is no later test's.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    return reason
