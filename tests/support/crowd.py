"""Made-up evidence of a crowd: clients that chat on a network that loses and delays some of it.

No run ever was: it is for seeing what becomes of a large one, in tests as in measurements.
"""

import random
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import Final

from peerlab.evidence.journal import Event, Kind
from tests.support.programs import CHAT_FILE

_LOST: Final = 0.02
_DELAYED: Final = 0.05
_WORDS: Final = ("lunch", "noon", "who", "has", "the", "key", "not", "again", "later", "home")


def crowd(folder: Path, *, events: int, nodes: int = 100, seed: int = 1) -> Path:
    """Make the folder of a run with so many events, and give it.

    Args:
        folder: where; it must not be there yet.
        events: how many lines the journal has; at least five for each node.
        nodes: how many there are, from 2 to 200.
        seed: where chance starts.
    """
    (folder / "programs").mkdir(parents=True)
    (folder / "nodes").mkdir()
    (folder / "programs" / "chat.yaml").write_text(CHAT_FILE, encoding="utf-8")
    (folder / "scenario.yaml").write_text(_scenario(nodes), encoding="utf-8")
    with (folder / "journal.jsonl").open("w", encoding="utf-8") as journal:
        for event in _story(events, nodes, random.Random(seed)):
            journal.write(event.as_json() + "\n")
    return folder


def _scenario(nodes: int) -> str:
    return (
        "title: A crowd that chats\n"
        f'nodes:\n  "u[1-{nodes}]": chat\n'
        "steps:\n"
        f'  - "u[1-{nodes}]": login\n'
        "  - wire: {delay: 50ms, jitter: 50ms, loss: 2%}\n"
        f'  - "u[1-{nodes}]": quit\n'
        "checks:\n  - delivery: {lost: 0}\n"
    )


def _story(events: int, nodes: int, chance: random.Random) -> Iterator[Event]:
    names = [f"u{number}" for number in range(1, nodes + 1)]
    ip = {name: f"10.201.0.{number}" for number, name in enumerate(names, start=2)}
    begin = list(_begin(names, ip))
    end = list(_end(names, 1.0 + events / 1000))
    yield from begin
    yield from islice(_talk(names, ip, chance), events - len(begin) - len(end))
    yield from end


def _begin(names: list[str], ip: dict[str, str]) -> Iterator[Event]:
    about = {"scenario": "crowd", "backend": "made up", "seed": 1, "wire": "userspace"}
    about["began"] = "2026-11-27T12:00:00.000+00:00"
    yield Event(0.0, Kind.RUN, None, "A crowd that chats", about)
    for name in names:
        yield Event(0.1, Kind.DEPLOYED, name, "", {"ip": ip[name], "program": "chat"})
        yield Event(0.2, Kind.STARTED, name)
        text = f'"u[1-{len(names)}]": login'
        yield Event(0.3, Kind.STEP, name, text, {"number": 1, "line": 5, "column": 5})
    step = {"number": 2, "line": 6, "column": 5}
    yield Event(0.4, Kind.STEP, None, "wire: {delay: 50ms, jitter: 50ms, loss: 2%}", step)


def _talk(names: list[str], ip: dict[str, str], chance: random.Random) -> Iterator[Event]:
    """Message after message, a few events each, for ever."""
    for number in count(1):
        at = 1.0 + number * 0.006
        source, target = chance.sample(names, 2)
        text = " ".join(chance.choices(_WORDS, k=chance.randint(2, 12)))
        drawn = chance.random()
        lost, delay = drawn < _LOST, round(chance.uniform(0.01, 0.1), 6)
        delay = delay if _LOST <= drawn < _LOST + _DELAYED else 0.0
        message = {"id": f"{source}-{number}"}
        network: dict[str, object] = {
            "to": target,
            "source": f"{ip[source]}:5000",
            "destination": f"{ip[target]}:5000",
            "size": len(text) + 20,
            "fate": "dropped" if lost else "delivered",
        }
        if lost or delay:
            network["by"] = ["step 2 (loss: 2%)" if lost else "step 2 (delay: 50ms)"]
        if delay:
            network["delay"] = delay
        yield Event(at, Kind.TYPED, source, f"{target} {text}")
        yield Event(at, Kind.SENT, source, text, message | {"peer": ip[target]})
        yield Event(at + 0.001, Kind.DATAGRAM, source, f"{message['id']} {text}", network)
        yield Event(at + 0.001, Kind.PRINTED, source, "> ", {"stream": "stdout"})
        if not lost:
            came = at + 0.002 + delay
            shown = f"\n* {source} says {text}\n"
            yield Event(came, Kind.PRINTED, target, shown, {"stream": "stdout", "notice": True})
            yield Event(came, Kind.RECEIVED, target, text, message | {"peer": ip[source]})


def _end(names: list[str], at: float) -> Iterator[Event]:
    for name in names:
        yield Event(at, Kind.EXITED, name, "", {"status": 0, "by": "itself"})
    yield Event(at, Kind.END, None, "", {"variables": {}})
