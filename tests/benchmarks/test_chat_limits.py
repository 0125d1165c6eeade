"""The table of the chat, measured so little that only its form means anything."""

import re
import sys

import pytest

from benchmarks import chat_limits, ngircd
from benchmarks.chat_limits import Sizes
from peerlab.errors import MachineUnfit

TINY = Sizes(crowds=(2, 12), receivers=(1, 2), rounds=1, seconds=0.0)
ROWS = [
    "logins, /s",
    "processor time of the server, µs",
    "LIST of 2, /s",
    "processor time of the server, µs",
    "the first after a login, ms",
    "LIST of 12, /s",
    "processor time of the server, µs",
    "the first after a login, ms",
    "memory of the server for a client, KiB",
    "messages to 1, /s",
    "messages to 2, /s",
]

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="reads /proc and clocks of other processes"
)


def _without_ngircd(_directory: object) -> ngircd.Ngircd:
    raise MachineUnfit("nobody has it")


def test_every_row_is_printed_with_a_figure_of_both_servers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(chat_limits, "find_ngircd", _without_ngircd)
    chat_limits.main(TINY)

    printed = capsys.readouterr().out
    figures = re.findall(
        r"^  +(.*?)  +([\d.,-]+)  +([\d.,-]+)  +-  +[\d.-]+$", printed, re.MULTILINE
    )
    assert [name for name, _, _ in figures] == ROWS
    assert "ngircd is missing: nobody has it" in printed
    assert printed.count("  goal: ") == 4
    assert printed.count(", by the server's processor time: ") == 3
