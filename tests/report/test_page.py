import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from peerlab.checks.result import Result
from peerlab.checks.verdict import Finding, Judged, Outcome, Verdict
from peerlab.errors import LabError, UsageError
from peerlab.evidence.journal import Event, Kind
from peerlab.evidence.reading import Evidence
from peerlab.recorded import judge_recorded
from peerlab.report.captures import MOST_EMBEDDED
from peerlab.report.html import write_index, write_report
from peerlab.report.page import Page, describe
from tests.support.bench import Bench
from tests.support.crowd import crowd
from tests.support.journals import deployed, event, evidence, printed, started
from tests.support.sound import call, heard, media, traced

FAILS = """
    title: Waits in vain
    about: |
      One line,
      and its end.

      Another paragraph.
    nodes: {u1: chat, u2: chat}
    steps:
      - u1: login
      - u2: login
      - u1: {say: "HEY", to: [u2]}
      - u1: {expect: never, within: 50ms}
    checks:
      - delivery: {sent: 1}
        points: 2
      - steps:
        points: 3
    """


class Text(HTMLParser):
    """All text of a page, and the names of its elements."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[str] = []
        self.links: list[str] = []
        self._hidden = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]
        self._hidden = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == self._hidden:
            self._hidden = ""

    def handle_data(self, data: str) -> None:
        if self._hidden not in {"style", "script"}:
            self.texts.append(data)

    @property
    def all(self) -> str:
        return " ".join("".join(self.texts).split())


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def played(bench: Bench) -> Result:
    return bench.play(FAILS)


def page(result: Result) -> str:
    file = result.evidence / "report.html"
    write_report(result, file)
    return file.read_text(encoding="utf-8")


def told(result: Result, *findings: Finding) -> Result:
    """The result, with these findings in place of its own."""
    judged = tuple(Judged(finding.check, "", (finding,)) for finding in findings)
    return replace(result, verdict=Verdict(judged))


def test_the_page_begins_with_the_verdict(played: Result) -> None:
    _, _, text = Text(page(played)).all.partition("\N{BALLOT X}")
    order = ["failed", "2 of 5 points", "Waits in vain", "One line, and its end.", "Findings"]
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    assert "Another paragraph." in text
    assert f"peerlab run --seed {played.seed} " in text


def described(result: Result) -> Page:
    return describe(result, Evidence(result.evidence), result.evidence)


def test_findings_that_failed_come_before_unknown_and_passed_ones(played: Result) -> None:
    result = told(
        played,
        Finding("a", Outcome.PASSED, "first"),
        Finding("b", Outcome.UNKNOWN, "second"),
        Finding("c", Outcome.FAILED, "third"),
    )
    page_of_it = described(result)
    assert [found.message for found in page_of_it.troubles] == ["third", "second"]
    assert [found.message for found in page_of_it.passed] == ["first"]


def test_a_finding_shows_its_story_its_proof_and_its_line(played: Result) -> None:
    finding = Finding(
        "steps",
        Outcome.FAILED,
        "u1 never showed 'never'",
        "u1",
        (13, 5),
        "\x1b[31mNo.\n",
        ("u1 typed 'HEY' at 1 s.", "The network lost it."),
    )
    result = told(played, finding)
    (found,) = described(result).troubles
    assert [text for _, text, marked in found.excerpt if marked] == [
        "  - u1: {expect: never, within: 50ms}"
    ]
    assert [number for number, _, _ in found.excerpt] == [11, 12, 13, 14, 15]
    text = Text(page(result)).all
    assert "u1 typed 'HEY' at 1 s." in text
    assert "The network lost it." in text
    assert r"\x1b[31mNo." in text


def test_that_there_is_more_is_no_item_of_the_story(played: Result) -> None:
    why = ("The network lost it.", "and 319 more")
    result = told(played, Finding("x", Outcome.FAILED, "lost", why=why))
    (found,) = described(result).troubles
    assert (found.why, found.more) == (["The network lost it."], "and 319 more")
    assert '<p class="more">and 319 more</p>' in page(result)
    result = told(played, Finding("x", Outcome.FAILED, "lost", why=("It.",) * 25))
    assert "and 5 more, in verdict.json" in Text(page(result)).all


def test_the_command_that_plays_it_again_can_be_pasted(played: Result) -> None:
    began = {"wire": "native", "given": ["chat=my chat.py"]}
    evidence(played.evidence, [Event(0.0, Kind.RUN, None, "x", began)])
    scenario = replace(played.scenario, path=Path("a b/$x.yaml"))
    assert described(replace(played, scenario=scenario, seed=7)).replay == (
        "peerlab run --wire native --program 'chat=my chat.py' --seed 7 'a b/$x.yaml'"
    )


def test_a_finding_without_a_place_shows_that_of_its_check(played: Result) -> None:
    delivery = next(found for found in described(played).passed)
    assert delivery.excerpt == [] or delivery.where
    result = told(played, Finding("x", Outcome.FAILED, "no place"))
    (found,) = described(result).troubles
    assert (found.where, found.excerpt) == ("", [])


def test_what_broke_the_lab_is_told_with_what_helps(played: Result) -> None:
    broken = replace(played, error=LabError("no address is left", hint="`peerlab clean`"))
    assert "Hint: `peerlab clean`" in Text(page(broken)).all


def test_terminals_show_what_was_typed_and_what_came(played: Result) -> None:
    html = page(played)
    assert "Name: <b>u1</b>" in html
    assert "<mark>* u1 says HEY</mark>" in html


def test_the_page_shows_the_scenario_as_it_was_played_with_line_numbers(played: Result) -> None:
    assert "<i>13</i><span>  - u1: {expect: never, within: 50ms}</span>" in page(played)


def test_the_page_needs_nothing_but_itself(played: Result) -> None:
    html = page(played)
    assert "default-src 'none'" in html
    assert not re.search(r"(?:src|href)=\"(?!data:)", html)
    assert "http" not in re.sub(r"http-equiv|http://www.w3.org/2000/svg", "", html)
    assert Text(html).tags.count("script") == 1


def test_a_run_of_a_lab_that_never_came_up_has_a_page(bench: Bench) -> None:
    scenario = bench.load(FAILS)
    folder = evidence(bench.out / "broke", [event(Kind.RUN, None, "x")], complete=False).path
    result = Result(scenario, "fake", Verdict(()), folder, 0.1)
    text = Text(page(result)).all
    assert "unknown" in text
    assert "Terminals" not in text
    assert "What passed between the nodes" not in text


# Streams


def test_a_page_has_the_figures_of_streams_as_plots_and_as_text(tmp_path: Path) -> None:
    html = page(judge_recorded(call(tmp_path / "run")))
    text = Text(html.replace("<td", " <td")).all
    assert "Jitter and loss of streams" in text
    assert "Jitter of streams" in text
    assert "u1 u2 a 500 50 10.0 5.0" in text
    assert "u1 u3 a 500 0 0.0 0.2" in text
    assert "10.000 u1 u2 a 500 50 20.0 5.00" in text


def test_a_run_without_streams_has_no_plot_of_them(played: Result) -> None:
    assert "Jitter" not in Text(page(played)).all


def test_no_stream_gets_out_of_the_page_and_many_are_bounded(tmp_path: Path) -> None:
    nasty = "<script>alert(1)</script><img\x1b[2J\u202e&"
    few = [traced(1.0, "u2", media(50, 49, 1, ip=nasty + "y" * 5000, name=nasty + "x" * 2000))]
    many = [
        traced(2.0, "u3", "".join(media(50, 1, 1, name=str(each)) for each in range(20_000))),
        *(traced(float(at), "u1", media(at, 0, 1)) for at in range(3, 20_000)),
    ]
    html = page(judge_recorded(heard(tmp_path / "run", few + many)))
    parsed = Text(html)
    assert "img" not in parsed.tags
    assert parsed.tags.count("script") == 1
    assert set(html).isdisjoint("\x1b\u202e")
    assert "more streams, which lost less, are not shown" in parsed.all
    _, _, section = html.partition('aria-labelledby="streams"')
    assert len(section.partition("</section>")[0]) < 200_000


# Captures


def test_small_captures_are_in_the_page(played: Result) -> None:
    captures = played.evidence / "captures"
    captures.mkdir()
    (captures / "u1.pcap").write_bytes(b"\xd4\xc3\xb2\xa1")
    (link,) = Text(page(played)).links
    prefix, _, content = link.partition(",")
    assert prefix == "data:application/vnd.tcpdump.pcap;base64"
    assert base64.b64decode(content) == b"\xd4\xc3\xb2\xa1"
    assert "4 bytes" in Text(page(played)).all


def test_captures_say_what_is_in_them(played: Result) -> None:
    captures = played.evidence / "captures"
    captures.mkdir()
    for name in ("u1.pcap", "u1-wire.pcap", "not-wire.pcap"):
        (captures / name).write_bytes(b"")
    assert {capture.name: capture.about for capture in described(played).captures} == {
        "u1.pcap": "what u1 sent and got",
        "u1-wire.pcap": "what the wire made of it",
        "not-wire.pcap": "what not-wire sent and got",
    }


def test_large_captures_are_linked(played: Result) -> None:
    captures = played.evidence / "captures"
    captures.mkdir()
    (captures / "u1 #.pcap").write_bytes(bytes(MOST_EMBEDDED + 1))
    assert Text(page(played)).links == ["captures/u1%20%23.pcap"]


# Odd journals

ODD = [
    Event(0.0, Kind.RUN, None, "", {"began": 3, "run": [], "given": {}, "wire": []}),
    event(Kind.DEPLOYED, "u1"),
    event(Kind.DEPLOYED, "u2", ip=[], program=4),
    event(Kind.STARTED, "u1", again="?"),
    event(Kind.PRINTED, "u1", "Hi"),
    event(Kind.SENT, "u1", "Hi", id=[], peer={}),
    event(Kind.RECEIVED, "u2", "Hi", id={"a": 1}, peer=None),
    event(Kind.DATAGRAM, "u1", "Hi", to=[], fate=3, by=4, cable={}, delay="long", copies="x"),
    event(Kind.DATAGRAM, "u1", "Hi", size="big", by=[None], damaged=[], held={}),
    event(Kind.CONNECTION, "u1", "closed", to=3, destination=None, sent=[], received={}),
    event(Kind.STEP, None, "wire: {heal: true}", number="x"),
    event(Kind.SIGNALLED, "u1", signal=[]),
    event(Kind.EXITED, "u1", status="x", by=[]),
    event(Kind.EXITED, "u2"),
]


def test_an_odd_journal_has_a_page(bench: Bench) -> None:
    folder = evidence(bench.out / "odd", ODD).path
    result = Result(bench.load(FAILS), "fake", Verdict(()), folder, 1.0)
    assert "What passed between the nodes" in Text(page(result)).all


# Hostile output

NASTY = "</script></pre><img src=x onerror=alert(1)><!-- ]]> {{ 997 * 991 }} \x1b[2J\u202e\x00\x9b"


def test_no_output_gets_out_of_the_page(bench: Bench) -> None:
    scenario = bench.load(FAILS)
    events = [
        Event(0.0, Kind.RUN, None, NASTY, {"began": NASTY, "run": NASTY}),
        deployed("u1", "10.0.0.1", NASTY),
        deployed("u2", NASTY),
        started("u1"),
        printed("u1", NASTY),
        event(Kind.TYPED, "u1", NASTY),
        event(Kind.SENT, "u1", NASTY, id=NASTY, peer=NASTY),
        event(Kind.DATAGRAM, "u1", NASTY, to=NASTY, fate="dropped", by=[NASTY], cable=NASTY),
        event(Kind.CONNECTION, "u1", NASTY, to="u2", destination=NASTY, sent=NASTY),
        event(Kind.STEP, None, NASTY, number=99),
        event(Kind.STEP_FAILED, "u1", NASTY, number=NASTY),
        event(Kind.SIGNALLED, "u1", signal=NASTY),
        event(Kind.EXITED, "u1", status=NASTY),
    ]
    folder = evidence(bench.out / "run", events).path
    finding = Finding("log", Outcome.FAILED, NASTY, "u1", (1, 1), NASTY, (NASTY,))
    scenario = replace(scenario, title=NASTY, about=NASTY, text=NASTY, name=NASTY)
    error = LabError(NASTY, hint=NASTY)
    judged = Judged("log", NASTY, (finding,), title=NASTY)
    result = Result(scenario, NASTY, Verdict((judged,)), folder, 1.0, error, submission=NASTY)
    html = page(result)
    parsed = Text(html)
    assert "img" not in parsed.tags
    assert parsed.tags.count("script") == 1
    assert str(997 * 991) not in parsed.all
    assert set(html).isdisjoint("\x1b\u202e\x00\x9b")


def test_endless_output_is_bounded(bench: Bench) -> None:
    scenario = bench.load(FAILS)
    events = [Event(0.0, Kind.RUN), deployed("u1", "10.0.0.1"), deployed("u2", "10.0.0.2")]
    events += [printed("u1", "<" * 1_000_000), printed("u2", "\n" * 1_000_000)]
    folder = evidence(bench.out / "run", events).path
    long = "x" * 1_000_000
    findings = [Finding("log", Outcome.FAILED, long, "u1", (1, 1), long, (long,) * 1000)] * 1000
    judged = (Judged("log", "", tuple(findings)),)
    html = page(Result(scenario, "fake", Verdict(judged), folder, 1.0))
    assert len(html) < 3_000_000
    assert "950 more findings are in verdict.json" in html
    assert "bytes left out; all are in nodes/u2.log" in html


def test_a_crowd_has_a_page_of_bounded_size(tmp_path: Path) -> None:
    html = page(judge_recorded(crowd(tmp_path / "run", events=40_000)))
    assert len(html) < 6_000_000
    assert "76 nodes have no lifeline of their own." in html
    assert "not drawn, are in journal.jsonl." in html


# The index


def test_the_index_has_failed_runs_first_and_links_them(bench: Bench) -> None:
    passed = bench.play("title: Fine\nnodes: {u1: chat}\nsteps: [{u1: login}]\n")
    failed = replace(bench.play(FAILS), backend="<b>")
    index = bench.out / "index.html"
    write_index([(each, each.evidence / "report.html") for each in (passed, failed)], index)
    parsed = Text(index.read_text(encoding="utf-8"))
    assert [bench.out / link for link in parsed.links] == [
        failed.evidence / "report.html",
        passed.evidence / "report.html",
    ]
    assert "1 failed, 1 passed" in parsed.all
    assert "2 of 5 points" in parsed.all
    assert "<b>" in parsed.all


def test_the_index_has_columns_only_for_what_there_is(bench: Bench) -> None:
    plain = bench.play("title: Fine\nnodes: {u1: chat}\nsteps: [{u1: login}]\n")
    index = bench.out / "index.html"
    for results, points, submission in (
        ([plain], False, False),
        ([plain, bench.play(FAILS)], True, False),
        ([replace(plain, submission="ada/chat.py")], False, True),
    ):
        write_index([(each, each.evidence / "report.html") for each in results], index)
        text = Text(index.read_text(encoding="utf-8")).all
        assert ("points" in text, "submission" in text) == (points, submission)
        assert ("ada/chat.py" in text) is submission


def test_a_place_that_cannot_be_written_to_is_an_error(played: Result, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot write"):
        write_report(played, tmp_path / "nowhere" / "report.html")
    with pytest.raises(UsageError, match="cannot write"):
        write_index([(played, tmp_path)], tmp_path / "nowhere" / "index.html")
