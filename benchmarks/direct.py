"""A stream over a cable with nothing in between: two network namespaces, and a veth pair.

Run as a program it is in a network namespace of its own, where it may do everything, and tells on
standard output what the programs printed.
"""

import json
import os
import subprocess
import sys

from benchmarks.played import PROGRAMS, ROOT
from benchmarks.streams import Arrived, Stream
from peerlab.errors import MachineUnfit

_ALONE = ("unshare", "--user", "--map-root-user", "--net")
_WITHIN = 60.0


def stream(what: Stream) -> Arrived:
    """Let a stream flow.

    Raises:
        MachineUnfit: there is no such cable here.
    """
    try:
        done = subprocess.run(
            [*_ALONE, sys.executable, "-m", "benchmarks.direct", what.to_send, what.to_collect],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
            timeout=_WITHIN,
        )
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        raise MachineUnfit(f"no plain cable to compare with: {error}") from None
    if done.returncode:
        raise MachineUnfit(f"no plain cable to compare with: {done.stderr.strip()}")
    return Arrived.of(*json.loads(done.stdout))


def main(to_send: str, to_collect: str) -> None:
    """Print one JSON list: what the sender said, and what the receiver."""
    with (
        _program("collects", "unshare", "--net") as collects,
        _program("sends") as sends,
    ):
        for program in (collects, sends):
            _line(program)
        there = ("nsenter", f"--net=/proc/{collects.pid}/ns/net")
        _call(
            "ip", "link", "add", "here", "type", "veth", "peer", "there", "netns", str(collects.pid)
        )
        for name, address, prefix in (("here", "10.9.0.1", ()), ("there", "10.9.0.2", there)):
            _call(*prefix, "ip", "address", "add", f"{address}/24", "dev", name)
            _call(*prefix, "ip", "link", "set", name, "up")
        _tell(collects, to_collect)
        _line(collects)
        _tell(sends, f"10.9.0.2 {to_send}")
        print(json.dumps([_line(sends), _line(collects)]))
        for program in (collects, sends):
            program.kill()


def _program(name: str, *prefix: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*prefix, sys.executable, "-I", "-S", str(PROGRAMS / f"{name}.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )


def _line(program: "subprocess.Popen[str]") -> str:
    return (program.stdout.readline() if program.stdout else "").strip()


def _tell(program: "subprocess.Popen[str]", line: str) -> None:
    if program.stdin:
        program.stdin.write(f"{line}\n")


def _call(*command: str) -> None:
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
