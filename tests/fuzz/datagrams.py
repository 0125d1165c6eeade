"""Datagrams that mean a client no good: of every length, and like everything that it reads."""

import json
from itertools import count as numbers
from random import Random
from typing import Final

from services.datagram import MAX_DATAGRAM, TAG, ChatMessage, format_datagram
from tests.services.media.streams import datagrams
from tests.support.hostile import BOMBS, damaged, text

LONGEST: Final = 65507
"""Bytes that UDP can carry."""
_VALUES: Final[list[object]] = [
    *(None, True, -1, 1e308, 10**400),
    *("", "USER 0", "\ud800", "x" * 65),
    *([], {}, [[[]]]),
]
"""Of members that are none of these."""
_REPORTS: Final = [
    bytes.fromhex(
        "80c80006 1234abcd eead9a50 40000000 00002328 00000032 00001f40"
        "81ca0006 1234abcd 01103130 2e323031 2e302e33 3a343032 31310000"
        "80cc0002 1234abcd 43414c4c"
    ),
    bytes.fromhex(
        "81c90007 00000007 1234abcd 0c000003 0001002f 0000002c 9a504000 00008000"
        "81ca0006 00000007 01103130 2e323031 2e302e34 3a343032 31330000"
        "81cb0001 00000007"
    ),
]
"""Those of docs/protocol.md: a caller's, and a receiver's last one."""


class Datagrams:
    """An endless supply."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._noise = chance.randbytes(2 * LONGEST)
        self._numbers = numbers()
        self._sound = datagrams(50)
        self._earlier = self._message("HELLO")

    def draw(self) -> bytes:
        """Return the next one."""
        kind = self._chance.choices(
            [
                self._random,
                self._oversized,
                self._message_with_hostile_text,
                self._damaged_message,
                self._hostile_member,
                self._bomb,
                self._replay,
                self._sound_packet,
                self._like_media,
                self._report,
            ],
            weights=[4, 8, 2, 20, 10, 6, 10, 15, 15, 10],
        )[0]
        return kind()

    def _random(self) -> bytes:
        return self._slice(self._chance.choice([0, 1, 2, 12, 60, 300, MAX_DATAGRAM]))

    def _oversized(self) -> bytes:
        beginning = self._chance.choice([b"", TAG, b"\x80\x00", b"\x80\xc8"])
        length = self._chance.choice([MAX_DATAGRAM + 1, 1500, 9000, LONGEST])
        return beginning + self._slice(length - len(beginning))

    def _message_with_hostile_text(self) -> bytes:
        # Even where each character takes six bytes there is room for them.
        hostile = text(self._chance)[:150].encode(errors="replace").decode()
        return self._message(hostile)

    def _damaged_message(self) -> bytes:
        return damaged(self._chance, self._message("HELLO"))[:LONGEST]

    def _hostile_member(self) -> bytes:
        members = {"id": f"m{next(self._numbers)}", "from": "USER 2", "sent": 1.0, "text": "x"}
        name = self._chance.choice([*members, "eval"])
        return TAG + json.dumps({**members, name: self._chance.choice(_VALUES)}).encode()

    def _bomb(self) -> bytes:
        room = self._chance.choice([100, MAX_DATAGRAM - len(TAG), 5000])
        return self._chance.choice([b"", TAG]) + self._chance.choice(BOMBS)[:room]

    def _replay(self) -> bytes:
        return self._earlier

    def _sound_packet(self) -> bytes:
        packet = bytearray(self._chance.choice(self._sound))
        packet[11] = self._chance.randrange(4)
        return damaged(self._chance, bytes(packet)) if self._chance.randrange(2) else bytes(packet)

    def _like_media(self) -> bytes:
        first = self._chance.randrange(128, 192)
        second = self._chance.choice([0, 128, *range(192, 224)])
        length = self._chance.choice([0, 1, 2, 6, 10, 26, 58, 170, 1198])
        return bytes([first, second]) + self._slice(length)

    def _report(self) -> bytes:
        report = self._chance.choice(_REPORTS)
        return damaged(self._chance, report) if self._chance.randrange(4) else report

    def _message(self, said: str) -> bytes:
        number = next(self._numbers)
        claimed = self._chance.choice(["USER 1", "USER 2", "USER 3"])
        return format_datagram(ChatMessage(f"m{number}", claimed, 1795365840.25, said))

    def _slice(self, length: int) -> bytes:
        begin = self._chance.randrange(len(self._noise) - length)
        return self._noise[begin : begin + length]
