"""Runs of real programs are compared: only what a program does otherwise is told."""

import re
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from peerlab.backend.netns.lab import NetnsBackend
from peerlab.compare.divergence import Played, compare
from peerlab.evidence.reading import Evidence
from peerlab.play import play
from peerlab.programs import SERVICES, known_programs
from peerlab.report.divergence import divergence_lines
from peerlab.scenario.load import load_scenario
from tests.broken.test_broken import HERE, NOT_COPIED, program_file
from tests.broken.variants import Variant

pytestmark = pytest.mark.netns

LOST = SERVICES.parent / "scenarios" / "network" / "lost.yaml"
DOCUMENT = SERVICES.parent / "docs" / "comparing.md"


@pytest.fixture
def backend() -> Iterator[NetnsBackend]:
    with closing(NetnsBackend()) as backend:
        yield backend


def played(backend: NetnsBackend, out: Path, *overrides: str) -> Played:
    scenario = replace(load_scenario(LOST, programs=known_programs(overrides)), within=8.0)
    return Played(Evidence(play(scenario, backend, out, seed=7).evidence).journal, scenario)


def test_two_runs_with_one_seed_are_the_same_and_one_of_a_broken_program_is_not(
    backend: NetnsBackend, tmp_path: Path
) -> None:
    reference = played(backend, tmp_path)
    assert compare(reference, played(backend, tmp_path)) is None

    for name, source in (("services", SERVICES), ("broken", HERE)):
        shutil.copytree(source, tmp_path / name, ignore=NOT_COPIED)
    variant = Variant("only_first_recipient", "client", "network/lost", "steps", "")
    broken = played(backend, tmp_path, f"client={program_file(variant, 'client', tmp_path)}")
    found = compare(broken, reference)
    assert found is not None
    assert (found.node, found.what) == ("u1", "sent")
    one, other = found.sides
    assert one.told is None
    assert other.told is not None
    assert other.told.text == "<u3>: Who has the key?"
    assert one.failure is not None
    assert one.failure.startswith("step 9 failed: u3 never showed")

    # It is what the document shows, but for times, labels and a step that may have just gone on.
    document = variable(DOCUMENT.read_text(encoding="utf-8"))
    first, until, *_, a, b = divergence_lines(found)
    assert [line for line in (first, until, a, b) if variable(line) not in document] == []


def variable(text: str) -> str:
    return re.sub(r"\d+\.\d{3} s|at step \d+ \(.*\)|USER \d", "...", text)
