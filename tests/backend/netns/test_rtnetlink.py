"""What the lab's own rtnetlink makes is what another implementation reads."""

import json
import subprocess
import sys
from typing import Any

import pytest

from peerlab.programs import SERVICES

pytestmark = pytest.mark.netns

LOOPBACK = {"index": 1, "name": "lo", "mac": "00:00:00:00:00:00", "up": True, "mtu": 65536}


@pytest.fixture(scope="module")
def found() -> Any:  # noqa: ANN401 - as JSON gives it
    """What is read of a network of two nodes."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.backend.netns.readback"],
        cwd=SERVICES.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(("node", "last"), [("u1", 2), ("u2", 5)])
def test_a_node_has_one_device_with_the_index_name_and_addresses_that_were_asked_for(
    found: Any,  # noqa: ANN401
    node: str,
    last: int,
) -> None:
    links, addresses = found[node]["links"], found[node]["addresses"]
    assert links == [
        LOOPBACK,
        {
            "index": 2,
            "name": "eth0",
            "mac": f"02:42:0a:c9:03:{last:02x}",
            "up": True,
            "mtu": 1500,
        },
    ]
    ip = f"10.201.3.{last}"
    (address,) = [address for address in addresses if address["index"] == 2]
    assert address == {
        "index": 2,
        "address": ip,
        "local": ip,
        "broadcast": "10.201.3.255",
        "prefix": 24,
    }


def test_the_wires_ends_are_up_and_have_no_address(found: Any) -> None:  # noqa: ANN401
    ports = [link for link in found["lab"]["links"] if link["name"] != "lo"]
    assert [(port["name"], port["up"]) for port in ports] == [("port0", True), ("port1", True)]
    assert found["lab"]["addresses"] == []


def test_a_request_that_the_kernel_refuses_is_an_error_whatever_follows_it(
    found: Any,  # noqa: ANN401
) -> None:
    assert found["refusal"] == "File exists"
