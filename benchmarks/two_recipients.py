"""One client writes to two others, and both answer: from start to verdict."""

from benchmarks.chat import measure
from benchmarks.played import ROOT

SCENARIO = "scenarios/messages/one-to-two.yaml"


def main() -> None:
    """Print the table."""
    measure(f"two-recipients: {SCENARIO}", ROOT / SCENARIO, clients=3, rounds=15, limit=0.8)
