from ipaddress import IPv4Network
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peerlab.backend.subnet import (
    POOL,
    free_subnets,
    gateway,
    node_addresses,
    prefix_length,
)


@pytest.mark.parametrize(
    ("nodes", "length"), [(1, 28), (13, 28), (14, 27), (29, 27), (30, 26), (100, 25), (1000, 22)]
)
def test_a_lab_gets_the_smallest_subnet_that_holds_it_but_none_below_28(
    nodes: int, length: int
) -> None:
    assert prefix_length(nodes) == length


@given(nodes=st.integers(1, 4000))
def test_every_node_has_an_address_of_its_own_inside_the_subnet(nodes: int) -> None:
    subnet = free_subnets(nodes, [], Random(1))[0]
    addresses = node_addresses(subnet, nodes)
    assert len(set(addresses)) == nodes
    assert set(addresses) <= set(subnet.hosts()) - {gateway(subnet)}


def test_no_subnet_overlaps_with_one_that_is_taken() -> None:
    taken = [IPv4Network("10.201.0.0/17"), IPv4Network("172.17.0.0/16")]
    free = free_subnets(4, taken, Random(1))
    assert len(free) == 2048
    assert not any(subnet.overlaps(network) for subnet in free for network in taken)


def test_all_4096_small_subnets_are_offered_when_nothing_is_taken() -> None:
    free = free_subnets(4, [], Random(1))
    assert len(set(free)) == 4096
    assert all(subnet.subnet_of(POOL) for subnet in free)


def test_there_is_no_subnet_for_more_nodes_than_the_pool_has_addresses() -> None:
    assert free_subnets(70_000, [], Random(1)) == []


def test_two_runners_look_in_different_orders() -> None:
    assert free_subnets(4, [], Random(1)) != free_subnets(4, [], Random(2))
