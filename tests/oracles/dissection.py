"""Captures as tshark reads them."""

import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_CHECKED = ("udp.check_checksum:TRUE", "tcp.check_checksum:TRUE", "ip.check_checksum:TRUE")
_GOOD = "1"
AS_DATA: Final = ("-d", "udp.port==1-65535,data")
"""What keeps tshark from taking datagrams for some protocol by a port or what they look like.

It goes by the lower one of a datagram's two ports first, so all are named.
"""
AS_TEXT: Final = ("-d", "tcp.port==12345,data")
"""The same for signalling: the port at its other end is any."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A datagram in a capture: when, its payload, whether its checksum is right."""

    at: float
    payload: bytes
    is_sound: bool


def fields(capture: Path, wanted: str, *names: str, options: Sequence[str] = ()) -> list[list[str]]:
    """These fields of all frames for which a display filter holds, with further options."""
    chosen = [*options, *(part for option in _CHECKED for part in ("-o", option))]
    chosen += [part for name in names for part in ("-e", name)]
    done = subprocess.run(
        ["tshark", "-n", "-r", str(capture), "-Y", wanted, "-T", "fields", *chosen],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [line.split("\t") for line in done.stdout.splitlines()]


def datagrams(capture: Path, port: int) -> list[Seen]:
    """All datagrams to a port, in order; not those that errors of ICMP quote."""
    names = ("frame.time_epoch", "udp.payload", "udp.checksum.status")
    wanted = f"udp.dstport == {port} and not icmp"
    return [
        Seen(float(at), bytes.fromhex(payload), status == _GOOD)
        for at, payload, status in fields(capture, wanted, *names)
    ]


def echoes(capture: Path) -> Counter[str]:
    """How many echo requests and replies there are."""
    kinds = {"8": "requests", "0": "replies"}
    return Counter(kinds[kind] for (kind,) in fields(capture, "icmp.type in {0, 8}", "icmp.type"))


def flaws(
    captures: Iterable[Path], *, but: str = "frame.number == 0", options: Sequence[str] = ()
) -> list[str]:
    """Frames that are malformed or have a wrong checksum, all but some; with further options."""
    bad = "_ws.malformed or " + " or ".join(
        f"{protocol}.checksum.status == 0" for protocol in ("ip", "udp", "tcp", "icmp")
    )
    return [
        f"{capture.name}: {' '.join(found)}"
        for capture in captures
        for found in fields(
            capture,
            f"({bad}) and not ({but})",
            *("frame.number", "frame.protocols"),
            options=options,
        )
    ]
