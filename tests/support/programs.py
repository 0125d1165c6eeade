"""Programs for the nodes of the fake backend."""

from itertools import count

from tests.support.fake import ConnectionCut, FakeNode, Running, Terminated


def chat(node: FakeNode) -> Running:
    """A chat without a server: asks for a name, then takes `NODE TEXT`, `list` or `quit`.

    Every message is traced by the side that sends and the side that receives it.
    """
    node.show("Name: ")
    name = yield
    node.show(f"Hello {name}!\n")
    for number in count(1):
        node.show("> ")
        line = yield
        if line is None or line == "quit":
            node.show("bye\n")
            return 0
        if line == "list":
            for label, other in enumerate(node.lab.nodes.values(), start=1):
                node.show(f"USER {label} is at {other.ip}\n")
            continue
        receiver, _, text = line.partition(" ")
        other = node.lab.nodes[receiver]
        message = f"{node.name}-{number}"
        node.show(f"trace: sent {message} to {other.ip}: {text}\n")
        other.show(f"\n* {node.name} says {text}\n")
        other.show(f"trace: received {message} from {node.ip}: {text}\n> ")
    raise AssertionError("counting never ends")


CHAT_FILE = r"""
about: A chat
image: test/chat
notices: '/^\* .*$/'
messages:
  sent: '/^trace: sent (?P<id>\S+) to (?P<to>\S+): (?P<text>.*)$/'
  received: '/^trace: received (?P<id>\S+) from (?P<from>\S+): (?P<text>.*)$/'
actions:
  login:
    takes: {name: {default: "{node}"}}
    dialogue:
      - expect: "Name: "
      - type: "{name}"
      - expect: "Hello {name}!"
  say:
    takes: {text: , to: {kind: nodes}}
    dialogue:
      - each: to
        do:
          - expect: "> "
          - type: "{to.name} {text}"
  hears:
    takes: {text: , from: {kind: node}}
    dialogue:
      - notice: '/{from.name} says {text}$/'
  quit:
    dialogue:
      - type: quit
      - exits: 0
"""
"""The program file of `chat`."""


def silent(node: FakeNode) -> Running:
    """Prints nothing, whatever is typed."""
    del node
    while (yield) is not None:
        pass
    return 0


def stubborn(node: FakeNode) -> Running:
    """Goes on when it is asked to end, and has last words when it is removed by force."""
    node.show("here to stay\n")
    try:
        while True:
            try:
                yield
            except Terminated:
                node.show("not yet\n")
    finally:
        node.show("last words\n")


def cut_off(node: FakeNode) -> Running:
    """Is lost as soon as somebody types."""
    node.show("Name: ")
    yield
    node.show("Hel")
    raise ConnectionCut("the engine has gone")


def talker(node: FakeNode) -> Running:
    """Shows what a director has to deal with, on demand."""
    node.show("ready\n> ")
    while (line := (yield)) is not None:
        if line.startswith("exit "):
            return int(line.removeprefix("exit "))
        node.show(f"{line}\n".replace("|", "\n") + "> ")
    return 0


TALKER = r"""
about: A program that repeats what it is told
image: test/talker
notices: '/^\* .*$/'
actions:
  ask:
    takes: {text: }
    dialogue:
      - type: "{text}"
      - choose:
          yes: [{type: it was yes}]
          /no(?P<rest>.*)/: [{type: "it was no"}]
  order:
    takes: {first: , second: {kind: node}, rest: {kind: nodes}}
    dialogue:
      - type: "{first} {second.ip} {rest.count}"
      - each: rest
        do: [{type: "{rest} {rest.ip}"}]
"""
"""The program file of `talker`."""
