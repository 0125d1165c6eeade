"""The examples of docs/terminal.md: bytes, and the frame that they are."""

import re

from tests.services.running import ROOT

_ROW = re.compile(r"^\| `([0-9a-f ]+)` \| ([A-Z]+) \| `(.*)` \|$", re.MULTILINE)

VECTORS = [
    (bytes.fromhex(digits), kind, payload.replace("\\n", "\n").encode())
    for digits, kind, payload in _ROW.findall((ROOT / "docs/terminal.md").read_text())
]
