"""peerlab: real programs on a real network, a script played with them, and a verdict."""

__version__ = "0.1.0"
