"""Makes the network of two nodes, and tells as JSON what another implementation reads of it.

To be run as a process of its own, since it moves into namespaces.
"""

import json
import os
import sys
from typing import Any

from pyroute2 import IPRoute  # type: ignore[import-untyped]

from peerlab.backend.netns import launch, syscalls
from peerlab.backend.netns.network import Host, Network
from peerlab.wire.rtnetlink import Device, Netlink

NODES = [("u1", "10.201.3.2"), ("u2", "10.201.3.5")]
IFF_UP = 1


def read() -> dict[str, Any]:
    """Links and IPv4 addresses of the network namespace that this is in."""
    with IPRoute() as kernel:
        return {
            "links": [
                {
                    "index": link["index"],
                    "name": link.get_attr("IFLA_IFNAME"),
                    "mac": link.get_attr("IFLA_ADDRESS"),
                    "up": bool(link["flags"] & IFF_UP),
                    "mtu": link.get_attr("IFLA_MTU"),
                }
                for link in kernel.get_links()
            ],
            "addresses": [
                {
                    "index": address["index"],
                    "address": address.get_attr("IFA_ADDRESS"),
                    "local": address.get_attr("IFA_LOCAL"),
                    "broadcast": address.get_attr("IFA_BROADCAST"),
                    "prefix": address["prefixlen"],
                }
                for address in kernel.get_addr(family=2)
            ],
        }


def refusal() -> str | None:
    """What is said when a device is to be made that is there already."""
    kernel = Netlink()
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    kernel.set_up(1)
    kernel.add_veth(Device(2, "eth0"), Device(3000, "other"), home)
    kernel.set_up(1)
    try:
        kernel.commit()
    except OSError as error:
        return error.strerror
    finally:
        kernel.close()
        os.close(home)
    return None


def main() -> None:
    """Print what is there."""
    launch._enter_namespaces(launch.FIRST_USER)
    network = Network()
    network.make([Host(name, address, 24) for name, address in NODES], os.getgid())
    found: dict[str, Any] = {"lab": read()}
    for name, namespace in network.namespaces.items():
        syscalls.setns(namespace, syscalls.CLONE_NEWNET)
        found[name] = read()
    found["refusal"] = refusal()
    json.dump(found, sys.stdout)
    for port in network.ports:
        port.socket.close()


if __name__ == "__main__":
    main()
