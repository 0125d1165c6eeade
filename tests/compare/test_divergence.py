"""Two runs of a scenario are compared up to where they first go apart."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from peerlab.compare.divergence import Divergence, NotComparable, Played, compare
from peerlab.evidence.journal import Event, Kind
from peerlab.evidence.reading import Evidence
from peerlab.play import play
from peerlab.report.divergence import as_json, divergence_lines
from tests.support.bench import Bench
from tests.support.fake import FakeNode, Program, Running
from tests.support.programs import chat

TALK = """
    title: Two talk
    nodes: {"u[1-2]": chat}
    steps:
      - u[1-2]: login
      - u1: {say: "HEY", to: [u2]}
      - u2: {hears: "HEY", from: u1}
      - u2: {say: "Ho", to: [u1]}
      - u1: {hears: "Ho", from: u2}
      - u[1-2]: quit
    """
Run = Callable[..., Played]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run(text: str = TALK, program: Program = chat, name: str = "talk") -> Played:
        bench = Bench(tmp_path / f"bench-{len(list(tmp_path.iterdir()))}")
        bench.programs["chat"] = program
        scenario = bench.load("within: 50ms\n" + text.replace("\n    ", "\n").lstrip(), name)
        result = play(scenario, bench.backend(), bench.out)
        return Played(Evidence(result.evidence).journal, scenario)

    return run


def saying(node: str, change: Callable[[str], str]) -> Program:
    """The chat, with what one node prints said otherwise."""

    def program(fake: FakeNode) -> Running:
        if fake.name == node:
            show = fake.show

            def show_otherwise(output: str | bytes, *stream: Any) -> None:  # noqa: ANN401
                show(change(str(output)), *stream)

            fake.show = show_otherwise  # type: ignore[assignment]
        return (yield from chat(fake))

    return program


def found(one: Played, other: Played) -> Divergence:
    divergence = compare(one, other)
    assert divergence is not None
    return divergence


def shown(one: Played, other: Played) -> str:
    return "\n".join(divergence_lines(found(one, other)))


def test_runs_of_the_same_programs_are_the_same(run: Run) -> None:
    assert compare(run(), run()) is None


def test_the_first_divergence_is_told_with_the_node_the_step_and_what_was_the_same(
    run: Run,
) -> None:
    rude = saying("u2", lambda text: text.replace("says HEY", "says NO"))
    divergence = found(run(program=rude), run())
    assert (divergence.node, divergence.what) == ("u2", "noticed")
    assert [told.text for _, told in divergence.before] == ["u2", "Hello u2!\n", "> "]
    one, other = divergence.sides
    assert one.told is not None
    assert other.told is not None
    assert (one.told.text, other.told.text) == ("* u1 says NO\n", "* u1 says HEY\n")
    assert one.step == other.step == 2
    assert one.text == 'u1: {say: "HEY", to: [u2]}'
    assert one.failure is not None
    assert one.failure.startswith("step 3 failed: u2 never showed")
    assert other.failure is None


def test_a_divergence_is_shown_to_people(run: Run) -> None:
    rude = saying("u2", lambda text: text.replace("says HEY", "says NO"))
    first, until, *before, one, other = divergence_lines(found(run(program=rude), run()))
    assert first == 'first divergence: u2, at step 2 (u1: {say: "HEY", to: [u2]})'
    assert until == "   until then both did the same, in the end:"
    assert before == [
        '      | typed "u2"',
        '      | printed "Hello u2!\\n"',
        '      | printed "> "',
    ]
    assert one.startswith("   A: ")
    assert one.endswith(r' s  printed unasked "* u1 says NO\n"')
    assert other.endswith(r' s  printed unasked "* u1 says HEY\n"')


def test_what_one_of_them_never_did_is_told_with_why_its_run_ended(run: Run) -> None:
    deaf = saying("u2", lambda text: "" if "HEY" in text else text)
    told = shown(run(program=deaf), run())
    assert "first divergence: u2, at step 2" in told
    assert "A: nothing of the kind until its end after" in told
    assert "step 3 failed: u2 never showed" in told
    swapped = shown(run(), run(program=deaf))
    assert "B: nothing of the kind until its end after" in swapped


def test_the_earliest_step_counts_whatever_the_clock_says(run: Run) -> None:
    wrong = saying("u1", lambda text: text.replace("bye", "ciao").replace("Hello", "Hallo"))
    slow = run()
    late = [replace(event, at=event.at + 5 * (event.at > 0)) for event in slow.journal]
    divergence = found(run(program=wrong), Played(late, slow.scenario))
    assert (divergence.node, divergence.sides[0].step) == ("u1", 1)


def test_a_message_of_another_one_stands_against_the_one_that_is_missing(run: Run) -> None:
    # What one heard from u1 the other heard from u2: not a thing more here, and another less there.
    wrong = saying("u2", lambda text: text.replace("u1 says HEY", "u1 <u9> says HEY"))
    divergence = found(run(program=wrong), run())
    texts = [side.told and side.told.text for side in divergence.sides]
    assert texts == ["* u1 <u9> says HEY\n", "* u1 says HEY\n"]


def test_a_difference_begins_where_the_earlier_of_both_runs_did_something(run: Run) -> None:
    whole = run()

    def told(step_2: dict[str, str], step_3: dict[str, str]) -> Played:
        first, second = (
            next(
                place
                for place, event in enumerate(whole.journal)
                if event.kind is Kind.STEP and event.detail["number"] == number
            )
            for number in (2, 3)
        )
        journal = list(whole.journal)
        for place, said in ((second + 1, step_3), (first + 1, step_2)):
            at = journal[place - 1].at
            extra = [
                Event(at, Kind.PRINTED, node, f"{text}\n", {"stream": "stderr"})
                for node, text in said.items()
            ]
            journal[place:place] = extra
        return Played(journal, whole.scenario)

    # u2 does something in one run alone; u1 did so before in one run, and after that in the other.
    divergence = found(told({"u1": "a"}, {}), told({"u2": "c"}, {"u1": "b"}))
    assert divergence.node == "u1"
    assert [side.step for side in divergence.sides] == [2, 3]


def test_what_has_no_order_differs_in_what_only_one_of_them_has(run: Run) -> None:
    whole = run()
    about = {"to": "nat", "destination": "10.9.0.9:7", "fate": "delivered"}
    router = Event(0.0, Kind.DATAGRAM, "u1", "", about)

    def served(*names: str) -> Played:
        said = [
            Event(whole.journal[-1].at, Kind.PRINTED, "u3", text, {"stream": "stdout"})
            for text in (f"{name} is at 10.9.0.9\n" for name in names)
        ]
        scenario = replace(whole.scenario, nodes={**whole.scenario.nodes, "u3": nobody})
        return Played([whole.journal[0], router, *whole.journal[1:], *said], scenario)

    nobody = whole.scenario.nodes["u2"]
    assert compare(served("a", "b", "c"), served("c", "b", "a")) is None
    one, other = found(served("c", "b", "a"), served("a", "c")).sides
    assert one.told is not None
    assert (one.told.text, other.told) == ("b is at <nat>\n", None)


def datagrams(played: Played, *fates: str, wire: str = "userspace") -> Played:
    """The run, with datagrams from u1 to u2 that had these fates."""
    run, *rest = played.journal
    told = {event.node: event.detail["ip"] for event in rest if event.kind is Kind.DEPLOYED}
    about = {"to": "u2", "destination": f"{told['u2']}:40000"}
    sent = [Event(0.5, Kind.DATAGRAM, "u1", "x", about | {"fate": fate}) for fate in fates]
    first = replace(run, detail=dict(run.detail) | {"wire": wire})
    return Played([first, *rest[:-1], *sent, rest[-1]], played.scenario)


def test_what_became_of_datagrams_counts_as_far_as_both_runs_have_them(run: Run) -> None:
    one, other = run(), run()
    sent = datagrams(one, "delivered", "delivered")
    divergence = found(sent, datagrams(other, "delivered", "dropped"))
    assert (divergence.node, divergence.what) == ("u1", "network")
    assert "a datagram to <u2>:<port>: dropped" in shown(
        sent, datagrams(other, "delivered", "dropped")
    )
    assert compare(sent, datagrams(other, "delivered")) is None
    assert compare(sent, other) is None
    assert compare(sent, datagrams(other, "dropped", wire="native")) is None


def test_a_run_that_broke_is_told(run: Run) -> None:
    whole = run()
    broken = Played([*whole.journal[:-1], Event(9.0, Kind.BROKE, None, "no disk")], whole.scenario)
    told = shown(broken, whole)
    assert "first divergence: the lab" in told
    assert "broke: no disk" in told


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        (TALK.replace('"HEY"', '"HO"'), "talk", r"differ from step 2 on: .*HEY.* and .*HO"),
        (TALK.replace('"HEY"', '"HO"'), "else", "of different scenarios: talk and else"),
        (TALK.replace("      - u[1-2]: quit\n", ""), "talk", "from step 6 on: one .* has only 5"),
        (TALK.replace('"u[1-2]": chat', '"u[1-3]": chat'), "talk", "have different nodes"),
    ],
)
def test_what_was_not_asked_the_same_cannot_be_compared(
    run: Run, text: str, name: str, message: str
) -> None:
    with pytest.raises(NotComparable, match=message):
        compare(run(), run(text, name=name))


def test_the_same_steps_are_the_same_scenario_under_any_name(run: Run) -> None:
    assert compare(run(), run(name="copy")) is None


def test_nothing_that_was_printed_can_command_the_terminal(run: Run) -> None:
    nasty = saying("u1", lambda text: text.replace("Hello u1!", "Hello u1! \x1b[2J\u202e\\x1b"))
    told = shown(run(program=nasty), run())
    assert set(told).isdisjoint("\x1b\u202e")
    assert r"\x1b[2J\u202e\\x1b" in told


def test_of_a_long_line_what_is_different_is_shown(run: Run) -> None:
    def long(end: str) -> Program:
        return saying("u1", lambda text: text.replace("Hello u1!", f"Hello u1! {'x' * 999}{end}"))

    one, other = shown(run(program=long("one")), run(program=long("other"))).splitlines()[-2:]
    assert one.endswith(r'xxxone\n"')
    assert other.endswith(r'xxxother\n"')
    assert len(other) < 250


def test_a_divergence_is_an_object_for_programs(run: Run) -> None:
    deaf = saying("u2", lambda text: "" if "HEY" in text else text)
    told = as_json(found(run(program=deaf), run()))
    assert (told["node"], told["what"]) == ("u2", "noticed")
    assert told["before"][-1] == {"what": "printed", "text": "> "}
    assert (told["a"]["at"], told["a"]["text"], told["a"]["step"]) == (None, None, 2)
    assert told["a"]["failure"].startswith("step 3 failed")
    assert told["b"]["text"] == "* u1 says HEY\n"
    assert told["b"]["step_text"] == 'u1: {say: "HEY", to: [u2]}'
