"""The contract of a backend: the kernel impairs the network where that is asked for and can be."""

from pathlib import Path

import pytest

from peerlab.backend.netns.probe import probe_netem
from peerlab.errors import MachineUnfit
from peerlab.evidence.journal import Kind
from peerlab.evidence.reading import Evidence
from peerlab.play import play
from peerlab.scenario.load import load_scenario
from tests.contracts.conftest import Bench
from tests.contracts.test_network import talk

__all__ = ["talk"]

SCENARIO = """\
title: The kernel delays
nodes: {a: talker, b: talker}
steps:
  - wire: {from: a, delay: 50ms}
  - a: {type: "b hello"}
  - b: {expect: got hello}
"""


def test_the_kernel_impairs_the_network_or_nothing_is_played(talk: Bench, tmp_path: Path) -> None:
    path = tmp_path / "native.yaml"
    path.write_text(SCENARIO)
    scenario = load_scenario(path, programs=talk.programs)
    runs = tmp_path / "runs"
    try:
        probe_netem()
    except MachineUnfit:
        with pytest.raises(MachineUnfit, match="no netem") as refused:
            play(scenario, talk.backend, runs, native=True)
        assert refused.value.exit_status == 4
        expected = set()
    else:
        assert play(scenario, talk.backend, runs, native=True).verdict.outcome == "passed"
        expected = {"native"}
    journal = Evidence(runs / "native" / "latest").journal
    assert {event.text for event in journal if event.text == "native"} == expected
    assert any(event.kind is Kind.STARTED for event in journal) is bool(expected)
