"""Plays scenarios on a network that the kernel impairs, and notes what tc reads of it meanwhile.

To be run in a kernel that has netem, by root. The argument is a folder: evidence goes there, and
what tc reads after each step of the wire.
"""

import json
import sys
import textwrap
from functools import partial
from pathlib import Path

from peerlab.backend.netns.lab import NetnsBackend
from peerlab.backend.netns.probe import probe_netem
from peerlab.drive import kernel_trial, trial
from peerlab.evidence.journal import Event, Kind
from peerlab.play import play
from peerlab.scenario.load import load_scenario
from peerlab.scenario.model import Scenario
from tests.native import relayed
from tests.native.disciplines import disciplines
from tests.native.emulated import TUNABLES

SEED = 11

TALKER = """
import os, socket, threading, time
udp = socket.socket(type=socket.SOCK_DGRAM)
udp.bind(("", 5000))

def say(line):  # at once: print writes the end of a line by itself, and two threads print
    os.write(1, line.encode() + b"\\n")

def listen():
    while True:
        data = udp.recv(2000)
        now = time.monotonic()
        word, sent = data.split()
        say(f"got {word.decode()} after {1000 * (now - float(sent)):.2f} ms")

threading.Thread(target=listen, daemon=True).start()
say("ready")
for line in open(0):
    whom, *words = line.split()
    for word in words:
        udp.sendto(f"{word} {time.monotonic()}".ljust(100).encode(), (whom, 5000))
    say(" ".join(["sent", *words]))
"""

PROGRAM = f"""\
about: Talks, and tells how long datagrams took
image: none
command: [python3, -u, -c, {json.dumps(TALKER)}]
terminal: pipe
environment: {{GLIBC_TUNABLES: "{TUNABLES}"}}
ready: ready
"""

SCENARIOS = {
    # What the kernel is told, step by step; `test_native.py` has what tc is to read.
    "told": """
        title: What the kernel is told
        network: {impairments: [{to: b, delay: 10ms}]}
        nodes: {a: talker, b: talker}
        steps:
          - wire:
              {node: b, delay: 30ms, jitter: 10ms, order: free, duplicate: 20%, corrupt: 5%,
               loss: {p: 1%, r: 25%, 1-h: 90%, 1-k: 0.5%}}
          - wire: {node: b, loss: 12.5%, rate: 1mbit, queue: 50}
          - wire: {from: a, rate: 40gbit, name: fast}
          - wire: {heal: fast}
          - wire: {from: b, delay: 20ms, jitter: 5ms}
          - b: unplug
          - b: plug
          - wire: {from: [a, b], to: [a, b], delay: 5ms}
          - wire: {to: b, delay: 0ms, duplicate: 0%, corrupt: 0%, rate: 0bit}
          - wire: heal
        """,
    "done": r"""
        title: What the kernel does
        nodes: {a: talker, b: talker, c: talker}
        steps:
          - a: {type: "b warm"}
          - b: {expect: got warm}
          - wire: {from: a, delay: 3s}
          - a: {type: "b d1"}
          - b: {expect: '/got d1 after (?P<d1>[\d.]+) ms/'}
          - wire: {from: a, delay: 1s}
          - a: {type: "b d2"}
          - b: {expect: '/got d2 after (?P<d2>[\d.]+) ms/'}
          - wire: {from: a, delay: 0ms}
          - a: {type: "b d3"}
          - b: {expect: '/got d3 after (?P<d3>[\d.]+) ms/'}
          - wire: {to: b, delay: 300ms}
          - a: {type: "b under-way"}
          # What a sent next has come to c: so the kernel has what a sent to b.
          - a: {type: "c next"}
          - c: {expect: got next}
          - wire: heal
          - b: {expect: '/got under-way after (?P<underway>[\d.]+) ms/'}
          - wire: {to: b, loss: 100%}
          - a: {type: "b lost"}
          - a: {type: "c next"}
          - c: {expect: got next}
          - wire: heal
          - wire: {from: a, loss: {p: 100%, r: 0%}}
          - a: {type: "b burst1 burst2 burst3"}
          - a: {expect: sent burst1}
          - wire: heal
          - wire: {from: a, loss: {p: 100%, r: 0%, 1-h: 0%}}
          - a: {type: "b good1 good2 good3"}
          - b: {expect: got good3}
          - wire: heal
          - wire: {from: a, duplicate: 100%}
          - a: {type: "b twice"}
          - b: {expect: got twice}
          - b: {expect: got twice}
          - wire: heal
          - wire: {from: a, rate: 64kbit}
          - a: {type: "b r1 r2 r3 r4 r5 r6 r7 r8 r9 r10"}
          - b: {expect: '/got r10 after (?P<r10>[\d.]+) ms/'}
          - wire: heal
          - wire: {from: a, rate: 8kbit, queue: 2}
          - a: {type: "b q1 q2 q3 q4 q5"}
          - b: {expect: got q3}
          - wire: heal
          - wire: {from: a, corrupt: 100%}
          - a: {type: "b c1 c2 c3 c4 c5 c6 c7 c8"}
          - a: {expect: sent c1}
          - wire: heal
          - wire: {from: a, to: b, drop: 1}
          - wire: {to: b, delay: 40ms}
          - a: {type: "b x1 x2"}
          - b: {expect: '/got x2 after (?P<x2>[\d.]+) ms/'}
        """,
}


def main(folder: Path) -> None:
    """Play all scenarios, and two parts of a wire."""
    probe_netem()
    # The machine is slow: what comes is late.
    for tried in (trial, kernel_trial):
        vars(tried)["TOLERANCE"] = 1.0
    program = folder / "talker.program.yaml"
    program.write_text(PROGRAM)
    for name, text in SCENARIOS.items():
        path = folder / f"{name}.yaml"
        path.write_text(textwrap.dedent(text))
        scenario = load_scenario(path, programs={"talker": program})
        observer = partial(look, folder) if name == "told" else None
        play(scenario, NetnsBackend(), folder / "runs", observer=observer, seed=SEED, native=True)
    (folder / "relayed.json").write_text(json.dumps(relayed.main()))


def look(folder: Path, _scenario: Scenario, event: Event) -> None:
    """Note what tc reads after a step of the wire."""
    if event.kind is Kind.WIRE and event.text == "changed":
        read = folder / f"read-{event.detail['number']}.json"
        read.write_text(json.dumps(disciplines()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
