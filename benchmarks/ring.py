"""A hundred clients log in, and each writes to its neighbour: from start to verdict."""

from benchmarks.chat import measure
from benchmarks.played import scratch

CLIENTS = 100


def main() -> None:
    """Print the table."""
    with scratch() as directory:
        scenario = directory / "ring.yaml"
        scenario.write_text(ring(CLIENTS), encoding="utf-8")
        title = f"ring: {CLIENTS} clients, each writes to its neighbour, delivered exactly once,"
        measure(title, scenario, clients=CLIENTS, rounds=5, limit=6.0)


def ring(clients: int) -> str:
    """The scenario: everybody is in, everybody writes at once, everybody has heard, once."""
    neighbours = [(node, node % clients + 1) for node in range(1, clients + 1)]
    everybody = f"u[1-{clients}]"
    lines = [
        f"title: {clients} people in a ring, each with a word for the neighbour",
        "within: 60s",
        f'nodes: {{server: server, "{everybody}": client}}',
        "steps:",
        f"  - {everybody}: login",
        "  - together:",
        *(f'      - u{node}: {{say: "word of {node}.", to: [u{to}]}}' for node, to in neighbours),
        "  - together:",
        *(f'      - u{to}: {{hears: "word of {node}.", from: u{node}}}' for node, to in neighbours),
        f"  - {everybody}: quit",
        "checks:",
        f"  - delivery: {{sent: {clients}, lost: 0, duplicated: 0}}",
        f'  - exits: {{"{everybody}": 0}}',
    ]
    return "\n".join(lines) + "\n"
