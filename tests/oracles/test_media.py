"""What tshark says of a stream of RTP, and what the client that received it says."""

import re
import subprocess
from pathlib import Path

import pytest

from peerlab.evidence.reading import Evidence
from peerlab.programs import SERVICES, known_programs
from tests.oracles.conftest import OracleBench
from tests.oracles.dissection import AS_TEXT, fields, flaws

pytestmark = pytest.mark.usefixtures("tshark")

SCENARIOS = SERVICES.parent / "scenarios" / "media"
TOLERANCE = 2.5
"""Milliseconds by which two measurements of jitter may differ."""
_HEURISTIC = ("--enable-heuristic", "rtp_udp")
_TRACE = re.compile(
    r"^trace: media from=(?P<ip>[\d.]+):(?P<port>\d+) ssrc=(?P<ssrc>\w+) expected=(?P<expected>\d+)"
    r" received=(?P<received>\d+) lost=(?P<lost>-?\d+) .* jitter-ms=(?P<jitter>[\d.]+)"
    r" state=ended$",
    re.MULTILINE,
)
_STREAM = re.compile(
    r"^ +[\d.]+ +[\d.]+ +(?P<ip>[\d.]+) +(?P<port>\d+) +(?P<to>[\d.]+) +\d+ +0x(?P<ssrc>\w+)"
    r" +(?P<payload>\S+) +(?P<packets>\d+) +(?P<lost>-?\d+) \([\d.]+%\)(?: +[\d.]+){3}"
    r" +(?P<least>[\d.]+) +[\d.]+ +(?P<most>[\d.]+)",
    re.MULTILINE,
)


def _played(bench: OracleBench, name: str) -> Evidence:
    bench.programs |= known_programs()
    return bench.passes((SCENARIOS / f"{name}.yaml").read_text())


def _ended(evidence: Evidence, node: str) -> re.Match[str]:
    """What a client traced in the end of the only stream that it received."""
    (found,) = _TRACE.finditer(evidence.node(node).printed)
    return found


def _capture(evidence: Evidence, node: str) -> Path:
    return evidence.path / "captures" / f"{node}.pcap"


def _streams(capture: Path, port: str) -> list[re.Match[str]]:
    """The table that tshark makes of streams, with this port taken for RTP."""
    done = subprocess.run(
        [
            "tshark",
            "-n",
            "-r",
            str(capture),
            "-d",
            f"udp.port=={port},rtp",
            "-q",
            "-z",
            "rtp,streams",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return list(_STREAM.finditer(done.stdout))


def _jitter(capture: Path, ssrc: str) -> float:
    """The estimate of RFC 3550 A.8 after the last packet, from the times in a capture; in ms."""
    jitter, before = 0.0, None
    wanted = f"rtp.ssrc == 0x{ssrc}"
    rows = fields(capture, wanted, "frame.time_relative", "rtp.timestamp", options=_HEURISTIC)
    first = int(rows[0][1])
    for at, timestamp in rows:
        transit = float(at) * 8000 - (int(timestamp) - first) % (1 << 32)
        if before is not None:
            jitter += (abs(transit - before) - jitter) / 16
        before = transit
    return jitter / 8


def _flaws(evidence: Evidence) -> list[str]:
    """What is wrong in any capture, with every datagram taken for RTP."""
    captures = sorted((evidence.path / "captures").iterdir())
    return flaws(captures, options=("-d", "udp.port==1-65535,rtp", *AS_TEXT))


def _agrees(evidence: Evidence, node: str) -> re.Match[str]:
    """Compare what tshark and the client say of the stream at a node; return what the client says.

    Both see the same packets: the jitter of this machine is in what both measure.
    """
    told = _ended(evidence, node)
    capture = _capture(evidence, node)
    (seen,) = _streams(capture, told["port"])
    assert seen["payload"] == "g711U"
    assert int(seen["ssrc"], 16) == int(told["ssrc"], 16)
    assert seen["ip"] == told["ip"]
    assert seen["packets"] == told["received"]
    assert seen["lost"] == told["lost"]
    jitter = float(told["jitter"])
    assert abs(_jitter(capture, told["ssrc"]) - jitter) < TOLERANCE
    assert float(seen["least"]) - TOLERANCE < jitter < float(seen["most"]) + TOLERANCE
    return told


def test_tshark_recognises_clean_streams_and_reads_every_report(bench: OracleBench) -> None:
    evidence = _played(bench, "voice-message")
    for node in ("u2", "u3"):
        told = _agrees(evidence, node)
        assert (told["expected"], told["lost"]) == ("100", "0")
        reports = fields(
            _capture(evidence, node),
            f"rtcp and ip.dst == {told['ip']}",
            "rtcp.pt",
            "rtcp.ssrc.cum_nr",
            options=("-d", f"udp.port=={told['port']},rtp"),
        )
        assert len(reports) >= 2
        assert {kinds for kinds, _ in reports[:-1]} == {"201,202"}
        assert reports[-1] == ["201,202,203", "0"]
    assert _flaws(evidence) == []


def test_tshark_agrees_on_loss_and_jitter_over_a_bad_link(bench: OracleBench) -> None:
    evidence = _played(bench, "lossy-and-jittery")
    bad, clean = _agrees(evidence, "u2"), _agrees(evidence, "u3")
    assert {each["packets"] for each in _streams(_capture(evidence, "u1"), bad["port"])} == {"200"}
    # What is lost at the very ends no receiver can know.
    assert 0 < int(bad["lost"]) <= 200 - int(bad["received"])
    assert (clean["received"], clean["lost"]) == ("200", "0")
    assert float(bad["jitter"]) > 2
    assert _flaws(evidence) == []
