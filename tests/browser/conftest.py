"""A browser, and the pages that it looks at."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from peerlab.checks.verdict import Finding, Judged, Outcome, Verdict
from peerlab.recorded import judge_recorded
from peerlab.report.html import write_index, write_report
from tests.support.chromium import find_chromium
from tests.support.crowd import crowd
from tests.support.sound import call

FINDING = Finding(
    "steps",
    Outcome.FAILED,
    "u2 never showed 'Are you there?' within 2 s; u2 is still running",
    "u2",
    (6, 5),
    "u2 showed this\nand that\n" * 20,
    ("u1 typed 'u2 Are you there?' at 1.2 s.", "The network lost the datagram: step 2 (loss: 2%)."),
)
UNKNOWN = Finding("exits", Outcome.UNKNOWN, "u3 was never seen to end", "u3", (9, 5))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium. Root may not have its sandbox."""
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Pages of a run of four nodes, one of a hundred, one with streams, and the index of all."""
    runs = tmp_path_factory.mktemp("runs")
    results = []
    for name, nodes, events in (("four", 4, 400), ("hundred", 100, 3_000)):
        folder = crowd(runs / name, events=events, nodes=nodes)
        (folder / "captures").mkdir()
        (folder / "captures" / "u1.pcap").write_bytes(bytes(24))
        result = judge_recorded(folder)
        judged = [Judged(found.check, "", (found,)) for found in (FINDING, UNKNOWN)]
        verdict = Verdict((*judged, *result.verdict.checks))
        results.append(replace(result, verdict=verdict))
        write_report(results[-1], folder / "report.html")
    result = judge_recorded(call(runs / "streams"))
    results.append(replace(result, verdict=Verdict((Judged("steps", "", (FINDING,)),))))
    write_report(results[-1], result.evidence / "report.html")
    write_index([(each, each.evidence / "report.html") for each in results], runs / "index.html")
    return {name: runs / name / "report.html" for name in ("four", "hundred", "streams")} | {
        "index": runs / "index.html"
    }
