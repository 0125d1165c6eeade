"""`python -m peerlab` is the `peerlab` command."""

from peerlab.cli import main

if __name__ == "__main__":
    main()
