"""The `peerlab` command, as the script and as `python -m peerlab`."""

import sys


def main() -> None:
    """Run the command. Ctrl-C while it is still being imported ends it in order, too."""
    try:
        from peerlab.cli import main as command  # noqa: PLC0415 - takes a moment, see above
    except KeyboardInterrupt:
        sys.exit(130)
    command()


if __name__ == "__main__":
    main()
