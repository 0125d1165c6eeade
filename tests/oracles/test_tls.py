"""What tshark makes of signalling in TLS and of sealed messages."""

import pytest

from peerlab.programs import SERVICES, known_programs
from tests.oracles.conftest import OracleBench
from tests.oracles.dissection import AS_DATA, fields, flaws

pytestmark = pytest.mark.usefixtures("tshark")

SCENARIO = SERVICES.parent / "scenarios" / "network" / "sealed.yaml"
_AS_TLS = ("-d", "tcp.port==12345,tls")
_SERVER_HELLO, _TLS_1_3 = "2", "0x0304"


def test_tshark_sees_tls_1_3_from_the_first_octet_to_the_farewell_and_nothing_in_clear(
    bench: OracleBench,
) -> None:
    bench.programs |= known_programs()
    evidence = bench.passes(SCENARIO.read_text())
    captures = evidence.path / "captures"

    hellos = fields(
        captures / "server.pcap",
        f"tls.handshake.type == {_SERVER_HELLO}",
        "tls.handshake.extensions.supported_version",
        options=_AS_TLS,
    )
    assert hellos == [[_TLS_1_3]] * 3
    in_clear = fields(
        captures / "server.pcap",
        "tcp.len > 0 and not tls and not tcp.analysis.retransmission",
        "frame.number",
        options=_AS_TLS,
    )
    # Segments in the middle of a record are no TLS of their own; here nothing is as long. What is
    # sent again on a busy machine has been looked at.
    assert in_clear == []
    sealed = fields(captures / "alice.pcap", "udp and not icmp", "udp.payload")
    assert len(sealed) == 2
    assert all(bytes.fromhex(payload).startswith(b"CHAT/2 ") for (payload,) in sealed)
    assert flaws(sorted(captures.iterdir()), options=(*_AS_TLS, *AS_DATA)) == []
