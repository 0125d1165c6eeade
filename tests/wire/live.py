"""Plays on a wire between real network stacks, and writes what came of it as JSON.

Runs as a program of its own, because it moves into namespaces. Exit status 77: it may not.
"""

import json
import os
import socket
import sys
from io import FileIO
from pathlib import Path

from peerlab.backend.netns import syscalls
from peerlab.backend.netns.network import Host, Network
from peerlab.wire import engine

MAY_NOT = 77
DEADLINE = 20.0


def main(folder: Path) -> None:
    user, group = os.getuid(), os.getgid()
    try:
        syscalls.unshare(syscalls.CLONE_NEWUSER | syscalls.CLONE_NEWNET)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    except OSError as error:
        sys.stderr.write(f"this machine lets nobody make namespaces: {error}")
        sys.exit(MAY_NOT)
    network = Network()
    network.make([Host("u1", "10.9.0.1", 24), Host("u2", "10.9.0.2", 24)], 0)
    runner, wire = socket.socketpair()
    captures = {(name, "own"): FileIO(folder / f"{name}.pcap", "wb") for name in ("u1", "u2")}
    if os.fork() == 0:
        runner.close()
        engine.run(network.ports, wire, seed=1, captures=lambda _control: captures)
        os._exit(0)
    wire.close()
    seen = play(network)
    runner.sendall(b'{"command": "end"}\n')
    with runner.makefile() as lines:
        json.dump({"seen": seen, "records": [json.loads(line) for line in lines]}, sys.stdout)
    _, status = os.wait()
    sys.exit(os.waitstatus_to_exitcode(status))


def play(network: Network) -> dict[str, object]:
    """Have the nodes talk; what they saw."""

    def on(node: str, kind: socket.SocketKind) -> socket.socket:
        """A socket stays in the namespace that it was made in."""
        syscalls.setns(network.namespaces[node], syscalls.CLONE_NEWNET)
        made = socket.socket(socket.AF_INET, kind)
        made.settimeout(DEADLINE)
        return made

    with on("u1", socket.SOCK_DGRAM) as one, on("u2", socket.SOCK_DGRAM) as two:
        one.bind(("10.9.0.1", 5000))
        two.bind(("10.9.0.2", 5000))
        one.sendto(b"hello", ("10.9.0.2", 5000))
        hello = two.recvfrom(100)
        two.sendto(b"x" * 4000, ("10.9.0.1", 5000))
        large = len(one.recv(5000))
    with on("u2", socket.SOCK_STREAM) as listener, on("u1", socket.SOCK_STREAM) as caller:
        listener.bind(("10.9.0.2", 80))
        listener.listen()
        caller.bind(("10.9.0.1", 6000))
        caller.connect(("10.9.0.2", 80))
        called, _ = listener.accept()
        with called:
            called.settimeout(DEADLINE)
            with called.makefile("rb") as heard:
                caller.sendall(b"password")
                caller.shutdown(socket.SHUT_WR)
                heard.read()
            called.sendall(b"y" * 10_000)
        with caller.makefile("rb") as heard:
            heard.read()
    with on("u1", socket.SOCK_STREAM) as refused:
        refusal = refused.connect_ex(("10.9.0.2", 81))
    return {"hello": [hello[0].decode(), *hello[1]], "large": large, "refusal": refusal}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
