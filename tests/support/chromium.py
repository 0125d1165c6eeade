"""The browser of the system, for tests that look at pages."""

import shutil
from typing import Final

from peerlab.errors import MachineUnfit

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")


def find_chromium() -> str:
    """Where Chromium is.

    Raises:
        MachineUnfit: it is not there.
    """
    for name in _NAMES:
        path = shutil.which(name)
        if path is not None:
            return path
    raise MachineUnfit(f"there is no browser: none of {', '.join(_NAMES)} is on PATH")
