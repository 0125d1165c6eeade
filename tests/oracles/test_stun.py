"""What tshark says of STUN between clients behind NATs, their server, and each other."""

import pytest

from peerlab.programs import SERVICES, known_programs
from tests.oracles.conftest import OracleBench
from tests.oracles.dissection import AS_TEXT, fields, flaws

pytestmark = pytest.mark.usefixtures("tshark")

SCENARIO = SERVICES.parent / "scenarios" / "network" / "nat" / "punch-public.yaml"
_GOOD = "1"
# At any port; what is no STUN, such as messages, remains data.
_AS_STUN = ("-d", "udp.port==1-65535,stun", "-o", "stun.stunversion:Auto")


def test_tshark_reads_every_message_of_stun_and_finds_all_fingerprints_right(
    bench: OracleBench,
) -> None:
    bench.programs |= known_programs()
    evidence = bench.passes(SCENARIO.read_text())
    seen: dict[str, set[str]] = {}
    for node in ("alice", "bob"):
        capture = evidence.path / "captures" / f"{node}.pcap"
        messages = fields(
            capture,
            "stun",
            "stun.type",
            "stun.att.crc32.status",
            "stun.att.type",
            options=_AS_STUN,
        )
        assert messages
        assert {status for _, status, _ in messages} == {_GOOD}
        seen[node] = {kind for kind, _, _ in messages}
        unread = fields(
            capture,
            "udp and not stun and not data and not icmp",
            "frame.protocols",
            options=_AS_STUN,
        )
        assert unread == []
    assert seen["alice"] == seen["bob"] == {"0x0001", "0x0101"}
    captures = sorted((evidence.path / "captures").iterdir())
    assert flaws(captures, options=(*_AS_STUN, *AS_TEXT)) == []
