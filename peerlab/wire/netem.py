"""How the kernel's netem, see tc-netem(8), is told what to do. Pure.

The layouts are those of linux/pkt_sched.h.
"""

import struct
from collections.abc import Iterable, Mapping
from random import Random

from peerlab.wire.attributes import attribute
from peerlab.wire.rules import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

KIND = "netem"

_MOST_WAITING = 1_000_000
"""How many packets may wait for their time where no rate has a queue."""

_LARGEST_PACKET = 1500  # bytes
_ETHERNET_HEADER = 14  # bytes
_MOST = 0xFFFFFFFF
"""Of what counts in 32 bits; as a chance it stands for always."""

_CORRUPT, _LOSS, _RATE, _RATE64, _LATENCY64, _JITTER64, _PRNG_SEED = 4, 5, 6, 8, 10, 11, 14
_NESTED = 0x8000
_LOSS_GE = 2
_NONE: "Mapping[str, Any]" = {"chance": 0, "seconds": 0, "jitter": 0, "bits": 0, "queue": 0}


def options(rules: Iterable[Rule], seed: int, cable: str) -> bytes:
    """What makes netem do what these rules ask for, and nothing that it did before.

    Its chance starts from the run's seed, the rules' ids and the name of the cable. Kernels before
    Linux 6.6 overlook that and let it start anywhere.
    """
    asked = {rule.effect: rule for rule in rules}

    def about(effect: str) -> "Mapping[str, Any]":
        return asked[effect].arguments if effect in asked else _NONE

    delay, rate = about("delay"), about("rate")
    told = struct.pack(
        "=6I",
        0,  # the delay in ticks: below it is given in nanoseconds
        _limit(rate, delay["seconds"]) if "rate" in asked else _MOST_WAITING,
        _chance(about("loss")["chance"]),
        0,
        _chance(about("duplicate")["chance"]),
        0,
    )
    told += attribute(_LATENCY64, struct.pack("=q", round(delay["seconds"] * 1e9)))
    told += attribute(_JITTER64, struct.pack("=q", round(delay["jitter"] * 1e9)))
    # What is not mentioned would stay as it is.
    told += attribute(_CORRUPT, struct.pack("=II", _chance(about("corrupt")["chance"]), 0))
    told += _rate(rate["bits"])
    if "bursts" in asked:
        told += _bursts(about("bursts"))
    start = Random(f"{seed} {cable} {[rule.id for rule in asked.values()]}")  # noqa: S311 - repeatable
    return told + attribute(_PRNG_SEED, struct.pack("=Q", start.getrandbits(64)))


def _limit(rate: "Mapping[str, Any]", seconds: float) -> int:
    """How many packets wait, are on their way out, or are delayed, as many as these are at most.

    Netem counts all of them in one. Those that are delayed are taken to be full.
    """
    delayed = rate["bits"] * seconds / (8 * _LARGEST_PACKET)
    return int(rate["queue"] + 1 + delayed)


def _rate(bits: float) -> bytes:
    """So many bits of IP packets a second; 0: any number."""
    octets = max(1, round(bits / 8)) if bits else 0
    header = -_ETHERNET_HEADER if bits else 0
    told = attribute(_RATE, struct.pack("=IiIi", min(octets, _MOST), header, 0, 0))
    if octets > _MOST:
        told = attribute(_RATE64, struct.pack("=Q", octets)) + told
    return told


def _bursts(model: "Mapping[str, Any]") -> bytes:
    # The kernel asks for the chance to survive in a burst.
    survive = 1 - model["lost_in_burst"]
    chances = (model["p"], model["r"], survive, model["lost_otherwise"])
    packed = struct.pack("=4I", *(_chance(chance) for chance in chances))
    return attribute(_LOSS | _NESTED, attribute(_LOSS_GE, packed))


def _chance(chance: float) -> int:
    return round(chance * _MOST)
