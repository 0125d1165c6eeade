import pytest
from hypothesis import given
from hypothesis import strategies as st

from peerlab.wire.switch import Switch
from tests.wire import frames

NODES = 4


def switch() -> Switch:
    return Switch((node, frames.mac(node), frames.address(node)) for node in range(NODES))


def test_a_frame_goes_to_the_port_of_its_address_alone() -> None:
    assert list(switch().targets(frames.udp((0, 2), b""), 0)) == [2]


def test_a_frame_goes_where_it_is_addressed_to_whoever_it_claims_to_be_from() -> None:
    assert list(switch().targets(frames.udp((3, 2), b""), 0)) == [2]


def test_an_unknown_address_gets_nothing() -> None:
    assert list(switch().targets(frames.udp((0, 99), b""), 0)) == []


def test_a_frame_never_goes_back_to_its_own_port() -> None:
    assert list(switch().targets(frames.udp((1, 1), b""), 1)) == []
    assert list(switch().targets(frames.arp(1, 1), 1)) == []


@pytest.mark.parametrize("to", [frames.BROADCAST, bytes.fromhex("01005e0000fb")])
def test_broadcast_and_multicast_go_to_all_others(to: bytes) -> None:
    assert list(switch().targets(frames.udp((1, 0), b"", to=to), 1)) == [0, 2, 3]


def test_an_arp_question_goes_to_the_owner_of_the_address_alone() -> None:
    assert list(switch().targets(frames.arp(0, 3), 0)) == [3]


def test_an_arp_question_for_an_address_that_nobody_has_goes_nowhere() -> None:
    assert list(switch().targets(frames.arp(0, 99), 0)) == []


def test_an_arp_message_to_one_node_goes_to_that_node() -> None:
    assert list(switch().targets(frames.arp(0, 1, to=frames.mac(2)), 0)) == [2]


def test_a_group_frame_of_another_protocol_goes_nowhere() -> None:
    solicitation = frames.ethernet(0, 1, 0x86DD, bytes(40), bytes.fromhex("3333ff000001"))
    assert list(switch().targets(solicitation, 0)) == []


@pytest.mark.parametrize("taken", ["mac", "address"])
def test_an_address_that_is_given_twice_is_refused(taken: str) -> None:
    second = (
        (1, frames.mac(0), frames.address(1))
        if taken == "mac"
        else (1, frames.mac(1), frames.address(0))
    )
    with pytest.raises(ValueError, match="port 1"):
        Switch([(0, frames.mac(0), frames.address(0)), second])


UPLINK = 7


def part() -> Switch:
    """Where only node 0 is here, and all others are elsewhere."""
    return Switch([(0, frames.mac(0), frames.address(0))], UPLINK)


@pytest.mark.parametrize("to", [None, frames.BROADCAST])
def test_what_is_for_others_leaves_by_the_uplink_and_never_comes_back(to: bytes | None) -> None:
    frame = frames.udp((0, 2), b"", to=to)
    assert list(part().targets(frame, 0)) == [UPLINK]
    assert list(part().targets(frames.arp(0, 2), 0)) == [UPLINK]


def test_what_comes_by_the_uplink_goes_to_its_owner_and_else_nowhere() -> None:
    assert list(part().targets(frames.udp((2, 0), b""), UPLINK)) == [0]
    assert list(part().targets(frames.udp((2, 0), b"", to=frames.BROADCAST), UPLINK)) == [0]
    assert list(part().targets(frames.arp(2, 0), UPLINK)) == [0]
    assert list(part().targets(frames.udp((2, 3), b""), UPLINK)) == []
    assert list(part().targets(frames.arp(2, 3), UPLINK)) == []


@given(st.binary(max_size=60), st.integers(0, NODES - 1))
def test_no_frame_makes_it_raise_or_come_back(frame: bytes, arrival: int) -> None:
    for start in (b"", frames.BROADCAST, frames.mac(1)):
        targets = switch().targets(start + frame, arrival)
        assert arrival not in targets
        assert len(set(targets)) == len(targets)
