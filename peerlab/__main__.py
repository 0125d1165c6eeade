"""The `peerlab` command, as the script and as `python -m peerlab`."""

import os
import sys
from pathlib import Path


def main() -> None:
    """Run the command. Ctrl-C while it is still being imported ends it in order, too."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # whoever started this has closed it
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
    try:
        from peerlab.cli import main as command  # noqa: PLC0415 - takes a moment, see above
    except KeyboardInterrupt:
        sys.exit(130)
    command()


if __name__ == "__main__":
    main()
