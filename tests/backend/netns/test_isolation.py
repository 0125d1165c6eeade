"""Labs that live at the same time: the same addresses and names, and nothing in common."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from peerlab.evidence.journal import Event, Kind
from peerlab.evidence.reading import Evidence
from peerlab.play import play
from peerlab.programs import SERVICES
from peerlab.scenario.load import load_scenario
from peerlab.scenario.model import Scenario
from tests.backend.netns.conftest import NamespaceBench

pytestmark = pytest.mark.netns

DEMO = SERVICES.parent / "scenarios/demo.yaml"
SHOUTER = """
import os, socket
here = socket.socket(type=socket.SOCK_DGRAM)
here.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
here.bind(("", 9000))
print("ready")
for address in ("10.201.0.15", input()):
    here.sendto(os.environ["LAB"].encode(), (address, 9000))
while True:
    print("heard", here.recv(100).decode())
"""
SHOUTING = """\
title: everybody in a lab shouts
nodes:
  u1: {{program: shouter, environment: {{LAB: {lab}}}}}
  u2: {{program: shouter, environment: {{LAB: {lab}}}}}
steps:
  - u[1-2]: {{expect: ready}}
  - u1: {{type: "{{u2.ip}}"}}
  - u2: {{type: "{{u1.ip}}"}}
  - u[1-2]: {{expect: "heard {lab}\\nheard {lab}\\nheard {lab}"}}  # its own, too
  - u[1-2]: {{stays-silent: 300ms}}
"""


def test_two_labs_at_once_have_the_same_addresses_and_hear_nothing_of_each_other(
    bench: NamespaceBench,
) -> None:
    bench.program("shouter", SHOUTER)
    both_ready = threading.Barrier(2, timeout=60)

    def observe(scenario: Scenario, event: Event) -> None:
        del scenario
        if event.kind is Kind.STEP and event.node == "u1" and "type" in event.text:
            both_ready.wait()

    def played(lab: str) -> Evidence:
        path = bench.directory / f"{lab}.yaml"
        path.write_text(SHOUTING.format(lab=lab))
        scenario = load_scenario(path, programs=bench.programs)
        result = play(scenario, bench.backend, bench.directory / "runs", observer=observe)
        assert result.verdict.outcome == "passed", result.verdict.findings
        return Evidence(result.evidence)

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(played, ("red", "blue"))
    assert {node.ip for node in first.nodes.values()} == {node.ip for node in second.nodes.values()}
    for lab, evidence in (("red", first), ("blue", second)):
        sent = [event.text for event in evidence.journal if event.kind is Kind.DATAGRAM]
        assert sent == [lab] * 4


def test_eight_runs_four_at_a_time_all_pass(tmp_path: Path) -> None:
    options = ["--backend=netns", "--jobs=4", "--repeat=8", f"--out={tmp_path}"]
    done = subprocess.run(
        [sys.executable, "-m", "peerlab", "run", *options, str(DEMO)],
        cwd=SERVICES.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("demo: passed 8 of 8\n")
