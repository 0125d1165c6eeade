"""What programs print to be taken for a verdict, in every form in which verdicts are written."""

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Final
from xml.etree import ElementTree as ET

from markdown_it import MarkdownIt

from peerlab.checks.result import Result
from peerlab.errors import LabError
from peerlab.report.formats import FORMATS
from peerlab.report.html import write_report
from peerlab.report.text import explanation, run_line
from tests.support.bench import Bench
from tests.support.fake import FakeNode, Running
from tests.support.figures import Figure, none
from tests.support.hostile import text
from tests.support.results import Results, hostile

SEED: Final = 5
_HARMLESS: Final = "harmless"
_PER_PAGE: Final = 50
_STEERING: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_COMMAND: Final = re.compile(r"^\s*::[A-Za-z]|##\w*\[", re.MULTILINE)
"""To a CI system: two colons before anything but a name are text."""
_ANNOTATION: Final = re.compile(r"::(error|warning) [^:]*::[^\r\n]*")
_SCENARIO: Final = """
title: Hostile output
nodes: {u1: evil}
steps:
  - u1: {expect: never, within: 10ms}
checks:
  - log: {node: u1, contains: never}
"""


def hostile_reports(count: int, seed: int = SEED) -> list[Figure]:
    """Let programs print so many texts, and look whether the results are built as for others."""
    chance = Random(seed)
    texts = [made for made in (text(chance) for _ in range(count)) if made.strip()]
    forged: list[str] = []
    with TemporaryDirectory() as directory:
        results = Results(Path(directory))
        for format_name, write in FORMATS.items():
            wanted = _structure(format_name, write([_result(results, _HARMLESS)], None))
            for each in texts:
                written = write([_result(results, each)], None)
                if _structure(format_name, written) != wanted:
                    forged.append(f"{format_name}: {each[:80]!r}")
                forged += [f"{format_name}: {fault}" for fault in _faults(format_name, written)]
        pages = [texts[at : at + _PER_PAGE] for at in range(0, len(texts), _PER_PAGE)]
        bench = Bench(Path(directory, "bench"))
        harmless = set(_page_of(bench, [_HARMLESS])[0])
        for number, printed in enumerate(pages):
            found, terminal = _page_of(bench, printed)
            forged += [f"page {number}: {each}" for each in sorted(set(found) - harmless)]
            forged += [f"terminal {number}: {fault}" for fault in _faults("text", terminal)]
    return [
        Figure("hostile texts", len(texts)),
        Figure("results written of them", len(texts) * len(FORMATS)),
        Figure("pages of runs that print them", len(pages)),
        none("results built in another way than those of harmless text", forged),
    ]


def _result(results: Results, printed: str) -> Result:
    error = LabError(printed, hint=printed)
    return results.made(hostile(printed), name=printed, submission=printed, error=error)


def _structure(name: str, written: str) -> object:
    """What is there, without the text of it."""
    match name:
        case "junit":
            root = ET.fromstring(written.encode())
            return [(element.tag, sorted(element.keys())) for element in root.iter()]
        case "github":
            return [bool(_ANNOTATION.fullmatch(line)) for line in written.splitlines()]
        case "markdown":
            return list(_blocks(written))
        case "csv":
            rows = list(csv.reader(io.StringIO(written, newline=""), strict=True))
            return [len(row) for row in rows], rows[1][1:4]
        case _:
            return _shape(json.loads(written))


def _blocks(written: str) -> Iterator[str]:
    for token in MarkdownIt("commonmark").enable("table").parse(written):
        yield token.type
        for child in token.children or []:
            # Text on several lines is shown as several pieces of code.
            if child.type not in {"text", "softbreak", "code_inline"}:
                yield child.type


def _shape(value: Any) -> object:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        return {key: _shape(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_shape(each) for each in value]
    return type(value).__name__ if isinstance(value, str) else value


def _faults(name: str, written: str) -> Iterator[str]:
    if found := _STEERING.search(written):
        yield f"{found[0]!r} is there"
    if name != "github" and (found := _COMMAND.search(written)):
        yield f"a command is there: {written[found.start() :][:80]!r}"
    if name == "csv":
        for row in csv.reader(io.StringIO(written, newline="")):
            yield from (f"a formula: {cell!r}" for cell in row if cell.lstrip()[:1] in set("=+-@"))


def _page_of(bench: Bench, printed: Sequence[str]) -> tuple[list[str], str]:
    """Play a program that prints this; return what the page is built of, and what is told."""

    def evil(node: FakeNode) -> Running:
        for each in printed:
            node.show(each.encode(errors="surrogatepass") + b"\n")
        yield
        return 0

    if "evil" not in bench.programs:
        bench.program("evil", evil)
    bench.programs["evil"] = evil
    result = bench.play(_SCENARIO)
    file = result.evidence / "report.html"
    write_report(result, file)
    page = file.read_text(encoding="utf-8")
    built = _Built()
    built.feed(page)
    faults = [f"{found[0]!r} is there" for found in _STEERING.finditer(page)]
    return built.parts + faults, "\n".join([run_line(result), *explanation(result)])


class _Built(HTMLParser):
    """The elements of a page with the names of their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.parts += [f"<{tag}>", *(f"<{tag} {name}>" for name, _ in attrs)]
        links = (value or "" for name, value in attrs if name in {"href", "src"})
        self.parts += [f"link {link[:20]}" for link in links if not link.startswith(("#", "data:"))]
