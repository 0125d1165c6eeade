import pytest

from peerlab.evidence.journal import Kind
from peerlab.evidence.reading import Evidence
from tests.support.bench import Bench, facts

ONE = "title: One node\nnodes: {u1: talker}\nsteps:\n"
NEVER = "within: 50ms"


def test_a_scenario_is_played_as_written(bench: Bench) -> None:
    evidence = bench.passes("""
        title: Two people talk
        nodes: {"u[1-3]": chat}
        steps:
          - u[1-3]: login
          - u1: {say: HEY, to: [u2, u3]}
          - u[2-3]: {hears: HEY, from: u1}
          - u1: {stays-silent: 10ms}
          - u[1-3]: quit
        checks:
          - delivery: {sent: 2}
          - exits: {"u[1-3]": 0}
    """)
    assert evidence.node("u1").transcript == (
        "Name: u1\nHello u1!\n> u2 HEY\n> u3 HEY\n> quit\nbye\n"
    )
    assert evidence.node("u2").typed == "u2\nquit\n"


def test_an_expectation_sees_only_what_came_since_the_last_match(talk: Bench) -> None:
    event = talk.fails(f"""
        title: Twice
        {NEVER}
        nodes: {{u1: talker}}
        steps:
          - u1: {{expect: ready}}
          - u1: {{expect: ready}}
    """)
    assert facts(event) == ("u1", "u1 never showed 'ready'", "\n> ", "is still running")
    assert (event.detail["line"], event.detail["column"]) == (7, 5)
    assert event.detail["number"] == 2


def test_the_first_step_that_fails_ends_the_play(talk: Bench) -> None:
    result = talk.play(f"""
        title: No further
        {NEVER}
        nodes: {{u1: talker}}
        steps:
          - u1: {{expect: never}}
          - u1: {{type: more}}
    """)
    evidence = Evidence(result.evidence)
    assert [event.detail["number"] for event in evidence.journal if event.kind is Kind.STEP] == [1]
    assert evidence.node("u1").typed == ""
    assert evidence.complete


def test_a_program_that_ends_before_it_shows_the_text_fails_the_step_at_once(talk: Bench) -> None:
    event = talk.fails(ONE + "  - u1: {type: exit 7}\n  - u1: {expect: never, within: 60s}\n")
    assert facts(event) == ("u1", "u1 never showed 'never'", "ready\n> \n", "ended with status 7")
    assert event.detail["waited"] < 30


def test_a_regular_expression_is_shown_with_the_values_of_its_variables(talk: Bench) -> None:
    event = talk.fails(ONE + '  - u1: {expect: "/{u1.ip}$/", within: 50ms}\n')
    assert event.text == "u1 never showed /10.0.0.2$/"


@pytest.mark.parametrize(
    ("said", "chosen"),
    [("yes no", "it was yes"), ("no yes", "it was no"), ("maybe|nobody|yes", "it was no")],
)
def test_what_is_shown_first_decides_the_choice(talk: Bench, said: str, chosen: str) -> None:
    evidence = talk.passes(ONE + f'  - u1: {{ask: {{text: "{said}"}}}}\n  - u1: {{expect: it}}\n')
    assert evidence.node("u1").typed == f"{said}\n{chosen}\n"


def test_a_choice_that_nothing_decides_names_all_its_patterns(talk: Bench) -> None:
    event = talk.fails("""
        title: Maybe
        within: 50ms
        nodes: {u1: talker}
        steps:
          - u1: {ask: {text: maybe}}
    """)
    assert event.text == "u1 never showed 'yes' or /no(?P<rest>.*)/"
    assert event.detail["awaited"] == [
        {"text": "yes", "regex": False},
        {"text": "no(?P<rest>.*)", "regex": True},
    ]


@pytest.mark.parametrize(
    ("act", "awaited", "regex"),
    [
        ("{expect: 'I am {node} at {u1.ip}'}", "I am u1 at 10.0.0.2", False),
        (r"{expect: '/\d+ is {u1.ip}/'}", r"\d+ is 10\.0\.0\.2", True),
        ("{notice: '* {node}'}", "* u1", False),
    ],
    ids=["literal", "regex", "notice"],
)
def test_a_failure_tells_what_was_awaited(
    talk: Bench, act: str, awaited: str, *, regex: bool
) -> None:
    event = talk.fails(f"title: T\nwithin: 50ms\nnodes: {{u1: talker}}\nsteps:\n  - u1: {act}\n")
    assert event.detail["awaited"] == [{"text": awaited, "regex": regex}]
    assert "truncated" not in event.detail


def test_what_awaits_no_output_tells_none(talk: Bench) -> None:
    event = talk.fails("title: T\nnodes: {u1: talker}\nsteps: [{u1: {exits: 0, within: 50ms}}]\n")
    assert event.detail["awaited"] == []
    assert "truncated" not in event.detail


def test_arguments_of_an_action_are_put_in(talk: Bench) -> None:
    evidence = talk.passes("""
        title: Arguments
        nodes: {"u[1-3]": talker}
        steps:
          - u1: {order: one, second: u3, rest: [u2, u3]}
          - u1: {expect: "u3 10.0.0.4"}
    """)
    assert evidence.node("u1").typed == "one 10.0.0.4 2\nu2 10.0.0.3\nu3 10.0.0.4\n"


def test_named_groups_become_variables_of_their_node(talk: Bench) -> None:
    evidence = talk.passes(r"""
        title: Variables
        nodes: {u1: talker, u2: talker}
        steps:
          - u1: {type: "colour: red (dark)"}
          - u1: {expect: '/colour: (?P<colour>.*)\n/'}
          - u2: {type: "{u1.colour} at {u1.ip} for {u2} by {node}"}
          - u2: {expect: "{u1.colour} at 10.0.0.2 for u2 by u2"}
          - u2: {type: "{{u1.colour}}"}
          - u2: {expect: "{{u1.colour}}"}
    """)
    assert evidence.node("u2").typed == "red (dark) at 10.0.0.2 for u2 by u2\n{u1.colour}\n"


def test_a_list_teaches_something_of_every_node_by_its_address(bench: Bench) -> None:
    evidence = bench.passes(r"""
        title: Labels
        nodes: {"u[1-2]": chat}
        steps:
          - u[1-2]: login
          - u1: {type: list}
          - u1:
              expect: '/(USER .*\n)+/'
              learn: '/(?P<label>USER \d) is at (?P<ip>\S+)/'
          - u1: {type: "u2 you are {u2.label}, I am {u1.label}"}
          - u2: {notice: "you are USER 2, I am USER 1"}
    """)
    (end,) = [event for event in evidence.journal if event.kind is Kind.END]
    assert end.detail["variables"] == {
        "u1": {"name": "u1", "ip": "10.0.0.2", "label": "USER 1"},
        "u2": {"name": "u2", "ip": "10.0.0.3", "label": "USER 2"},
    }


def test_a_variable_that_nothing_has_told_yet_fails_the_step(bench: Bench) -> None:
    event = bench.fails(r"""
        title: Too early
        nodes: {"u[1-2]": chat}
        steps:
          - u1: {type: "{u2.label}"}
          - u1: {expect: '/(?P<label>x)/'}
    """)
    assert facts(event) == (
        "u1",
        "u2.label is not known: nothing that was printed so far told it",
        "",
        "is still running",
    )


def test_notices_are_heard_in_any_order_and_leave_the_dialogue_alone(bench: Bench) -> None:
    bench.passes("""
        title: Any order
        nodes: {"u[1-3]": chat}
        steps:
          - u[1-3]: login
          - u1: {say: A, to: [u3]}
          - u2: {say: B, to: [u3]}
          - u3: {hears: B, from: u2}
          - u3: {hears: A, from: u1}
          - u3: {expect: "> "}
    """)


def test_a_message_is_heard_once_for_each_time_it_came(bench: Bench) -> None:
    event = bench.fails("""
        title: Once
        within: 50ms
        nodes: {"u[1-2]": chat}
        steps:
          - u[1-2]: login
          - u1: {say: A, to: [u2]}
          - u2: {hears: A, from: u1}
          - u2: {hears: A, from: u1}
    """)
    assert event.text == "u2 never showed /u1 says A$/"


def test_a_message_that_nobody_waited_for_breaks_the_silence(bench: Bench) -> None:
    event = bench.fails("""
        title: Silence
        nodes: {"u[1-2]": chat}
        steps:
          - u[1-2]: login
          - u1: {say: A, to: [u2]}
          - u2: {stays-silent: 60s}
    """)
    assert event.text == "u2 was to stay silent for 60 s but printed something"
    assert event.detail["since"] == "\n> \n> \n* u1 says A"


@pytest.mark.parametrize(
    ("steps", "status"),
    [
        ("[{u1: {type: exit 4}}, {u1: {exits: 4}}]", 4),
        ("[{u1: eof}, {u1: {exits: 0}}]", 0),
        ("[{u1: interrupt}, {u1: {exits: 130}}]", 130),
        ("[{u1: kill}, {u1: exits}]", 137),
    ],
)
def test_programs_end_in_every_way(talk: Bench, steps: str, status: int) -> None:
    evidence = talk.passes(f"title: The end\nnodes: {{u1: talker}}\nsteps: {steps}\n")
    assert evidence.node("u1").status == status


def test_the_wrong_exit_status_fails(talk: Bench) -> None:
    event = talk.fails(ONE + "  - u1: {type: exit 4}\n  - u1: {exits: 0}\n")
    assert event.text == "u1 ended with status 4, expected 0"


def test_typing_into_a_program_that_has_ended_fails(talk: Bench) -> None:
    event = talk.fails(ONE + "  - u1: {type: exit 4}\n  - u1: {type: hello}\n")
    assert facts(event) == (
        "u1",
        "cannot type 'hello' into u1",
        "ready\n> \n",
        "ended with status 4",
    )
