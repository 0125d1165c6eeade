"""docs/abuse.md says what the attacks are, and how large."""

import re
from typing import Final

import pytest

from tests.abuse import ATTACKS
from tests.services.running import ROOT
from tests.support.scale import LONG, SHORT

SIZES: Final = {
    "storm": ("storm",),
    "chatter": ("clients", "chatter"),
    "greedy": ("greedy", "clients", "greed"),
    "slow": ("senders", "rounds", "login_within"),
    "guesses": ("guesses", "guessers", "guess_delay_most"),
    "sessions": ("sessions",),
    "first-packets": ("first_packets", "first_packet"),
    "datagrams": ("datagrams",),
    "replies": ("replies",),
    "names": ("names",),
    "messages": ("names",),
    "reports": ("names",),
}
DOCUMENT: Final = (ROOT / "docs" / "abuse.md").read_text(encoding="utf-8")
ROWS: Final = {
    name: (long, short)
    for name, long, short in re.findall(r"^\| `(\S+)` \| (.*) \| (.*) \|$", DOCUMENT, re.MULTILINE)
}


def test_every_attack_is_described() -> None:
    assert list(ROWS) == list(ATTACKS) == list(SIZES)


@pytest.mark.parametrize("name", SIZES)
def test_the_sizes_are_those_that_the_attacks_have(name: str) -> None:
    for text, scale in zip(ROWS[name], (LONG, SHORT), strict=True):
        told = {float(number.replace(",", "")) for number in re.findall(r"\d[\d,.]*\d|\d", text)}
        assert {float(getattr(scale, field)) for field in SIZES[name]} <= told
