"""The loop between real network stacks: cables of two nodes, each in a namespace of its own."""

import errno
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from peerlab.wire.checksum import checksums_hold
from peerlab.wire.packet import Datagram, Segment, arp_target, parse
from tests.wire import live
from tests.wire.captures import captured

pytestmark = pytest.mark.netns

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def captures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("captures")


@pytest.fixture(scope="module")
def played(captures: Path) -> dict[str, Any]:
    run = subprocess.run(
        [sys.executable, "-m", "tests.wire.live", str(captures)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if run.returncode == live.MAY_NOT:
        pytest.skip(run.stderr)
    assert run.returncode == 0, run.stderr
    result: dict[str, Any] = json.loads(run.stdout)
    return result


def records(played: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [record for record in played["records"] if record["record"] == kind]


def test_nodes_hear_each_other_from_their_own_addresses(played: dict[str, Any]) -> None:
    assert played["seen"]["hello"] == ["hello", "10.9.0.1", 5000]


def test_a_datagram_in_fragments_arrives_and_is_told_once_in_full_size(
    played: dict[str, Any],
) -> None:
    assert played["seen"]["large"] == 4000
    told = [(record["from"], record["size"]) for record in records(played, "datagram")]
    assert told == [("u1", 5), ("u2", 4000)]


def test_connections_are_told_with_all_that_was_said(played: dict[str, Any]) -> None:
    told = [
        (record["destination"], record["state"], record["sent"], record["received"])
        for record in records(played, "connection")
    ]
    assert told == [
        ("10.9.0.2:80", "opened", 0, 0),
        ("10.9.0.2:80", "closed", 8, 10_000),
        ("10.9.0.2:81", "refused", 0, 0),
    ]


def test_a_closed_port_refuses_as_on_any_network(played: dict[str, Any]) -> None:
    assert played["seen"]["refusal"] == errno.ECONNREFUSED


def test_no_frame_is_missed_or_dropped(played: dict[str, Any]) -> None:
    totals = played["records"][-1]
    assert (totals["dropped"], totals["missed"], totals["captures"]) == (0, 0, {})
    assert totals["frames"] == totals["forwarded"] + totals["nowhere"]


@pytest.mark.parametrize("node", ["u1", "u2"])
@pytest.mark.usefixtures("played")
def test_every_frame_in_a_capture_has_valid_checksums(captures: Path, node: str) -> None:
    frames = [frame for _, frame in captured((captures / f"{node}.pcap").read_bytes())]
    packets = [frame for frame in frames if arp_target(frame) is None]
    assert len(packets) > 15
    assert [frame for frame in packets if not checksums_hold(frame)] == []
    assert any(isinstance(parse(frame), Datagram) for frame in packets)


@pytest.mark.skipif(shutil.which("tcpdump") is None, reason="tcpdump is not installed")
@pytest.mark.usefixtures("played")
def test_tcpdump_finds_every_checksum_right(captures: Path) -> None:
    data = (captures / "u1.pcap").read_bytes()
    command = ["tcpdump", "-nn", "-vv", "-r", "-"]
    run = subprocess.run(command, input=data, capture_output=True, check=True)
    shown = run.stdout.decode()
    segments = sum(type(parse(frame)) is Segment for _, frame in captured(data))
    assert shown.count("(correct)") == segments > 10
    assert "bad" not in shown
    assert "incorrect" not in shown


@pytest.mark.usefixtures("played")
def test_both_ends_of_a_cable_capture_the_same_frames(captures: Path) -> None:
    one, two = (
        [frame for _, frame in captured((captures / f"{node}.pcap").read_bytes())]
        for node in ("u1", "u2")
    )
    assert sorted(one) == sorted(two)
