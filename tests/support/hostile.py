"""Bytes and text that mean no good, drawn from chance that is seeded: the same on every run."""

import string
from collections.abc import Callable, Iterator
from random import Random
from typing import Final

from tests.support.nasty import NASTY

_SHORT_NASTY: Final = [text for text in NASTY.values() if len(text) <= 1000]
_DIGITS: Final = "9" * 5000
BOMBS: Final = [
    b"[" * 4000,
    b'{"a":' * 800,
    b"-" * 4000 + b"1",
    b"(" * 4000,
    b"'" * 4000,
    b'"' + b"\\" * 4001 + b'"',
    _DIGITS.encode(),
    b"1e999999999",
    b"-0.0e-400",
    b"NaN",
    b'"\\ud800"',
    b'{"id":1,"id":2}',
    b"\xef\xbb\xbf{}",
    b"\x00" * 4000,
    b"%s%n%x{0.__class__}${jndi:ldap://127.0.0.1/}",
    b"__import__('os').system('true')",
    b"cos\nsystem\n(S'true'\ntR.",
]
"""What makes a careless parser run, recurse or give up; none is refused for its length alone."""


def damaged(chance: Random, data: bytes) -> bytes:
    """Return the bytes with some of them flipped, cut out, doubled, or others put in."""
    bent = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randint(0, len(bent))
        match chance.randrange(6):
            case 0 if at < len(bent):
                bent[at] ^= 1 << chance.randrange(8)
            case 1:
                del bent[at : at + chance.randint(1, 8)]
            case 2:
                bent[at:at] = bent[at : at + chance.randint(1, 64)]
            case 3:
                bent[at:at] = chance.randbytes(chance.randint(1, 8))
            case 4:
                del bent[at:]
            case _:
                bent[at:at] = chance.choice(BOMBS)[: chance.randint(1, 200)]
    return bytes(bent)


def pieces(chance: Random, data: bytes) -> Iterator[bytes]:
    """Cut bytes in a few places, or between all of them."""
    if chance.randrange(20) == 0:
        yield from (data[at : at + 1] for at in range(len(data)))
        return
    cuts = sorted(chance.randint(0, len(data)) for _ in range(chance.randrange(4)))
    for begin, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
        if begin < end:
            yield data[begin:end]


def text(chance: Random) -> str:
    """Return text that wants to be taken for something else."""
    made: list[Callable[[], str]] = [
        lambda: chance.choice(_SHORT_NASTY),
        lambda: "".join(chance.choices(string.printable, k=chance.randint(1, 40))),
        lambda: "".join(chr(chance.randrange(0x20)) for _ in range(chance.randint(1, 8))),
        lambda: "".join(chr(chance.randrange(0x80, 0xA0)) for _ in range(chance.randint(1, 4))),
        lambda: "".join(chr(chance.randrange(0x2000, 0x2070)) for _ in range(4)),
        lambda: "".join(chr(chance.randrange(0x110000)) for _ in range(chance.randint(1, 20))),
        lambda: chance.choice("'\"{}[]()<>&;|`$\\%#:,=@+-\n\r\t\0\x1b") * chance.randint(1, 10),
        lambda: f"\n2026-11-22 16:44:00 Received message from USER {chance.randint(1, 9)}: forged",
        lambda: f"\nAuthentication successful for ('127.0.0.1', {chance.randint(1, 65535)})",
        lambda: f"\x1b[{chance.randrange(100)};{chance.randrange(100)}{chance.choice('HJKmhlr')}",
        lambda: "x" * chance.choice([31, 32, 33, 255, 256, 1000, 10_000]),
    ]
    return "".join(chance.choice(made)() for _ in range(chance.randint(1, 3)))
