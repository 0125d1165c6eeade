"""Messages of programs that give them no ids."""

from peerlab.evidence.journal import Kind
from peerlab.evidence.reading import Evidence
from tests.support.bench import Bench, told
from tests.support.fake import FakeNode, Running

QUIET = r"""
about: A chat that tells nothing of what it sent
image: test/quiet
notices: '/^\* .*$/'
messages:
  received: '/^\* (?P<from>\S+) says (?P<text>.*)$/'
actions:
  say:
    takes: {text: , to: {kind: nodes}}
    dialogue:
      - each: to
        do:
          - expect: "> "
          - type: "{to.name} {text}"
      - expect: "> "
    sends: {text: "{text}!", to: to}
  hears:
    takes: {text: , from: {kind: node}}
    dialogue:
      - notice: '/^\* {from.name} says {text}$/'
"""
TALK = """
title: Talk
within: 1s
nodes: {"u[1-3]": quiet}
steps:
  - u1: {say: HEY, to: [u2, u3]}
  - u2: {hears: HEY, from: u1}
"""


def quiet(node: FakeNode) -> Running:
    """Passes on `NODE TEXT`; who gets it sees it, and nothing else tells of it."""
    node.show("> ")
    while (line := (yield)) is not None:
        receiver, _, text = line.partition(" ")
        node.lab.nodes[receiver].show(f"\n* {node.name} says {text}\n")
        node.show("> ")
    return 0


def test_what_an_action_sends_is_sent_when_its_dialogue_has_come_to_its_end(bench: Bench) -> None:
    bench.program("quiet", quiet, QUIET)
    evidence = bench.passes(TALK)
    journal = list(evidence.journal)
    sent = [event for event in journal if event.kind is Kind.SENT]
    assert [(event.node, event.text, event.detail) for event in sent] == [
        ("u1", "HEY!", {"id": None, "peer": ip, "by": "script"}) for ip in ("10.0.0.3", "10.0.0.4")
    ]
    typed = [event for event in journal if event.kind is Kind.TYPED]
    assert journal.index(sent[0]) > journal.index(typed[-1])
    (received,) = evidence.node("u2").messages
    assert (received.id, received.peer, received.text) == (None, "u1", "HEY")


def test_an_action_that_fails_sends_nothing(bench: Bench) -> None:
    never = QUIET.replace('- expect: "> "\n    sends', "- expect: never\n    sends")
    bench.program("quiet", quiet, never)
    result = bench.play(TALK.replace("1s", "50ms"))
    assert told(Evidence(result.evidence), Kind.SENT) == []


def test_the_word_of_a_program_on_what_it_sent_goes_before_that_of_the_script(bench: Bench) -> None:
    pattern = "  sent: '/^never (?P<to>x) (?P<text>.*)$/'\n"
    bench.program("quiet", quiet, QUIET.replace("actions:", f"{pattern}actions:"))
    assert told(bench.passes(TALK), Kind.SENT) == []
