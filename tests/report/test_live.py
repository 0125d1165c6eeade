import io
from pathlib import Path

import pytest
from rich.console import Console

from peerlab.evidence.journal import Kind
from peerlab.play import play
from peerlab.report.live import Follower, Progress, Screen
from tests.support.bench import Bench
from tests.support.fake import FakeNode, Running
from tests.support.journals import event

ODD = "[/red] [bold]x[/] \x1b[31m [link=x] \\[ :smile: \u202e\r\n"
CALL = """
    title: One calls [/red] the other
    nodes: {u1: chat, other: chat}
    steps:
      - u1: login
      - other: login
      - u1: {say: HEY, to: [other]}
      - other: {hears: HEY, from: u1}
      - u1: quit
"""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def console(*, is_terminal: bool = False) -> tuple[Console, io.StringIO]:
    screen = io.StringIO()
    return Console(file=screen, width=100, highlight=False, force_terminal=is_terminal), screen


def test_the_follower_shows_what_all_terminals_show(bench: Bench) -> None:
    shown, screen = console()
    follower = Follower(shown)
    result = play(bench.load(CALL), bench.backend(), bench.out, observer=follower.observe)
    assert result.verdict.outcome == "passed"
    assert screen.getvalue() == (
        "One calls [/red] the other\n"
        "u1    | Name: u1\n"
        "u1    | Hello u1!\n"
        "other | Name: other\n"
        "other | Hello other!\n"
        "u1    | > other HEY\n"
        "other | > \n"
        "other | * u1 says HEY\n"
        "u1    | > quit\n"
        "u1    | bye\n"
        "u1    | (ended with status 0)\n"
        "other | > \n"
        "other | (ended with status 143)\n"
    )


def test_the_follower_remarks_on_pauses_and_restarts(bench: Bench) -> None:
    shown, screen = console()
    scenario = bench.load("""
        title: Faults
        nodes: {u1: chat}
        steps: [{u1: pause}, {u1: resume}, {u1: restart}]
        """)
    play(scenario, bench.backend(), bench.out, observer=Follower(shown).observe)
    remarks = [line for line in screen.getvalue().splitlines() if line.startswith("u1 | (")]
    assert [remark.removeprefix("u1 | ") for remark in remarks] == [
        "(paused)",
        "(resumed)",
        "(ended with status 143)",
        "(started again)",
        "(ended with status 143)",
    ]


def odd(node: FakeNode) -> Running:
    """Repeats what is typed, which is odd enough."""
    node.show(ODD)
    while (line := (yield)) is not None:
        node.show(f"{line}\n")
    return 0


ODD_SCENARIO = r"""
    title: "[/red] odd [bold]"
    nodes: {u1: odd}
    steps:
      - u1: {expect: smile}
      - u1: {type: "[/red] [[ [bold"}
      - u1: {expect: '/\[/red\] (.*)/'}
"""


def test_the_follower_shows_odd_text_as_it_is_and_harmless(bench: Bench) -> None:
    bench.program("odd", odd)
    shown, screen = console()
    play(bench.load(ODD_SCENARIO), bench.backend(), bench.out, observer=Follower(shown).observe)
    assert screen.getvalue().splitlines() == [
        "[/red] odd [bold]",
        r"u1 | [/red] [bold]x[/] \x1b[31m [link=x] \[ :smile: \u202e\r",
        "u1 | [/red] [[ [bold",
        "u1 | [/red] [[ [bold",
        "u1 | (ended with status 143)",
    ]


def test_the_follower_keeps_apart_two_runs_at_the_same_time(bench: Bench) -> None:
    shown, screen = console()
    follower = Follower(shown)
    text = "title: T\nnodes: {u1: chat}\nsteps: [{u1: login}]\n"
    first, second = bench.load(text, "a"), bench.load(text, "b")
    for scenario in (first, second):
        follower.observe(scenario, event(Kind.RUN, text=scenario.name))
    follower.observe(first, event(Kind.PRINTED, "u1", "Na"))
    follower.observe(second, event(Kind.PRINTED, "u1", "other\n"))
    follower.observe(first, event(Kind.PRINTED, "u1", "me: "))
    follower.observe(first, event(Kind.TYPED, "u1", "Mzi"))
    assert screen.getvalue().splitlines()[2:] == ["u1 | other", "u1 | Name: Mzi"]


def test_lines_that_came_at_once_are_lines_of_the_follower_and_of_the_progress_the_last(
    bench: Bench,
) -> None:
    shown, screen = console()
    follower, progress = Follower(shown), Progress(shown)
    scenario = bench.load("title: T\nnodes: {u1: chat}\nsteps: [{u1: login}]\n")
    for told in (
        event(Kind.RUN),
        event(Kind.PRINTED, "u1", "one\n\ntwo\n"),
        event(Kind.TRUNCATED, "u1", "only the first 9 bytes are kept"),
    ):
        follower.observe(scenario, told)
    assert screen.getvalue().splitlines()[1:] == [
        "u1 | one",
        "u1 | ",
        "u1 | two",
        "u1 | (truncated: only the first 9 bytes are kept)",
    ]
    screen.truncate(0)
    for told in (event(Kind.RUN), event(Kind.PRINTED, "u1", "one\ntwo" + "." * 99 + "\n\n")):
        progress.observe(scenario, told)
    shown.print(progress.live.get_renderable())
    assert "prints two..." in screen.getvalue()
    assert "one" not in screen.getvalue()


def test_progress_shows_every_run_and_what_its_nodes_do(bench: Bench) -> None:
    shown, screen = console()
    progress = Progress(shown)
    scenario = bench.load("title: T\nnodes: {u1: chat, u2: chat}\nsteps: [{u1: login}]\n")
    for told in (
        event(Kind.RUN),
        event(Kind.DEPLOYED, "u1", ip="10.0.0.2", program="chat"),
        event(Kind.DEPLOYED, "u2", ip="10.0.0.3", program="chat"),
        event(Kind.STARTED, "u1"),
        event(Kind.STEP, "u1", "login", number=1),
        event(Kind.TYPED, "u1", "Mzi\t"),
        event(Kind.PRINTED, "u1", "   \n"),
        event(Kind.SENT, "u1", "traces are not shown"),
        event(Kind.EXITED, "u2", status=3, by="itself"),
    ):
        progress.observe(scenario, told)
    shown.print(progress.live.get_renderable())
    name, *nodes = (line.split() for line in screen.getvalue().splitlines())
    assert name[0] == "scenario"
    assert nodes == [["u1", "types", "Mzi"], ["u2", "ended", "with", "status", "3"]]


@pytest.mark.parametrize("last", [Kind.END, Kind.BROKE])
def test_progress_forgets_a_run_that_has_ended(bench: Bench, last: Kind) -> None:
    shown, screen = console()
    progress = Progress(shown)
    scenario = bench.load("title: T\nnodes: {u1: chat}\nsteps: [{u1: login}]\n")
    progress.observe(scenario, event(Kind.RUN))
    progress.observe(scenario, event(last))
    progress.observe(scenario, event(Kind.EXITED, "u1", status=0, by="lab"))
    shown.print(progress.live.get_renderable())
    assert screen.getvalue().strip() == ""


def test_progress_lives_through_a_run_of_odd_text(bench: Bench) -> None:
    bench.program("odd", odd)
    shown, screen = console(is_terminal=True)
    progress = Progress(shown)
    with progress.live:
        result = play(
            bench.load(ODD_SCENARIO), bench.backend(), bench.out, observer=progress.observe
        )
    assert result.verdict.outcome == "passed"
    assert "\u202e" not in screen.getvalue()


class ClosedPipe(io.StringIO):
    def write(self, text: str) -> int:
        del text
        raise BrokenPipeError


def test_a_screen_that_nobody_reads_any_more_says_so() -> None:
    with pytest.raises(BrokenPipeError, match="Broken pipe"):
        Screen(file=ClosedPipe()).print("hello")


def test_the_follower_shows_what_steps_do_to_the_network(bench: Bench) -> None:
    shown, screen = console()
    scenario = bench.load("""
        title: wire
        nodes: {u1: chat, u2: chat}
        steps:
          - wire: {from: u1, to: u2, drop: 1}
          - u1: unplug
          - u1: plug
          - wire: heal
    """)
    play(scenario, bench.backend(), bench.out, observer=Follower(shown).observe)
    said = [line for line in screen.getvalue().splitlines() if "|" in line]
    assert [line for line in said if line.startswith("wire") or "(" in line][:4] == [
        "wire | {from: u1, to: u2, drop: 1}",
        "u1   | (unplugged)",
        "u1   | (plugged)",
        "wire | heal",
    ]


def test_no_title_is_a_command_to_a_ci_system(bench: Bench) -> None:
    shown, screen = console()
    title = "title: '::error::forged ##[error]x'"
    scenario = bench.load(CALL.replace("title: One calls [/red] the other", title))
    play(scenario, bench.backend(), bench.out, observer=Follower(shown).observe)
    assert screen.getvalue().startswith("\\x3a:error::forged \\x23#[error]x\n")
