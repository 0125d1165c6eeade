import pytest

from peerlab.record.orders import Do, Done, Hide, Order, Say, Unclear, read_order

NODES = ("alice", "bob")


@pytest.mark.parametrize(
    ("line", "order"),
    [
        ("alice: hello", Say("alice", "hello")),
        ("alice:  two blanks ", Say("alice", " two blanks ")),
        ("alice:", Say("alice", "")),
        ("alice: bob: x", Say("alice", "bob: x")),
        ("alice: /done", Say("alice", "/done")),
        ("/kill bob", Do("bob", "kill")),
        ("/eof  bob ", Do("bob", "eof")),
        ("/secret alice", Hide("alice")),
        ("/done", Done()),
        ("", None),
        ("   ", None),
    ],
)
def test_a_line_of_the_console_is_an_order(line: str, order: Order | None) -> None:
    assert read_order(line, NODES) == order


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("hello", "NODE: TEXT"),
        ("allice: hello", "did you mean 'alice'?"),
        ("alice:hello", "NODE: TEXT"),
        ("/kil bob", "did you mean 'kill'?"),
        ("/kill", "/kill NODE"),
        ("/kill alice bob", "/kill NODE"),
        ("/kill carol", "no node 'carol'"),
        ("/done now", "there is no /done"),
        ("/", "there is no /"),
    ],
)
def test_what_is_no_order_is_answered_with_what_helps(line: str, hint: str) -> None:
    order = read_order(line, NODES)
    assert isinstance(order, Unclear)
    assert hint in order.text
