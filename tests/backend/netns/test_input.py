"""Input that a program does not take: it waits, up to a limit, and never the runner."""

import hashlib
import threading
from collections.abc import Iterator
from random import Random
from typing import Literal

import pytest

from peerlab.backend.base import RunName
from peerlab.backend.netns.terminal import NamespaceNode
from peerlab.errors import LabError
from peerlab.scenario.load import load_scenario
from peerlab.scenario.model import Signal
from tests.backend.netns.conftest import ALONE, NamespaceBench

pytestmark = pytest.mark.netns

RUN = RunName("test", "20260101T000000Z-00000000")
MEGABYTE = 1 << 20


class Heard:
    """Takes in what a program prints, and its end."""

    def __init__(self) -> None:
        self.output = b""
        self.status: int | None = None
        self.over = threading.Event()

    def printed(self, stream: Literal["stdout", "stderr"], data: bytes) -> None:
        del stream
        self.output += data

    def exited(self, status: int) -> None:
        self.status = status
        self.over.set()

    def lost(self, reason: str) -> None:
        raise AssertionError(reason)


@pytest.fixture
def node(bench: NamespaceBench, request: pytest.FixtureRequest) -> Iterator[NamespaceNode]:
    """The only node of a lab; its program is the parameter."""
    bench.program("explorer", request.param)
    path = bench.directory / "alone.yaml"
    path.write_text(ALONE)
    scenario = load_scenario(path, programs=bench.programs)
    with bench.backend.deploy(scenario, RUN) as lab:
        (only,) = lab.nodes.values()
        assert isinstance(only, NamespaceNode)
        yield only


@pytest.mark.parametrize("node", ["import signal; signal.pause()"], indirect=True)
def test_a_program_that_never_reads_is_told_when_far_too_much_waits_and_can_be_killed(
    node: NamespaceNode,
) -> None:
    heard = Heard()
    node.start(heard)
    for _ in range(16):
        node.write(bytes(MEGABYTE))
    with pytest.raises(LabError, match="bytes of its input unread"):
        node.write(bytes(MEGABYTE))
    node.signal(Signal.KILL)
    assert heard.over.wait(60)
    assert heard.status == 137


READS_LATE = """
import hashlib, sys
print("asked", flush=True)
data = sys.stdin.buffer.read()
print(hashlib.sha256(data).hexdigest())
"""


@pytest.mark.parametrize("node", [READS_LATE], indirect=True)
def test_megabytes_that_are_typed_at_once_arrive_whole_before_the_end_of_input(
    node: NamespaceNode,
) -> None:
    heard = Heard()
    node.start(heard)
    pieces = [Random(number).randbytes(MEGABYTE) for number in range(8)]
    for piece in pieces:
        node.write(piece)
    node.end_input()
    assert heard.over.wait(60)
    digest = hashlib.sha256(b"".join(pieces)).hexdigest()
    assert heard.output.decode().splitlines() == ["asked", digest]
    assert heard.status == 0


@pytest.mark.parametrize("node", ["import os; os.close(0); print('deaf'); "], indirect=True)
def test_what_is_typed_to_a_program_that_has_closed_its_input_or_ended_is_lost_without_harm(
    node: NamespaceNode,
) -> None:
    heard = Heard()
    node.start(heard)
    assert heard.over.wait(60)
    node.write(bytes(MEGABYTE))
    node.end_input()
    node.signal(Signal.INTERRUPT)
    assert heard.status == 0
