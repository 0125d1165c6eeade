import io

import pytest

from services.client.screen import Screen


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def diagnostics() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def screen(out: io.StringIO, diagnostics: io.StringIO) -> Screen:
    return Screen(out, diagnostics, trace=True)


def test_a_line_interrupts_an_open_prompt_which_is_printed_again(
    screen: Screen, out: io.StringIO
) -> None:
    screen.ask("Enter message to send: ")
    screen.show("HELLO")

    assert out.getvalue() == "Enter message to send: \nHELLO\nEnter message to send: "


def test_after_the_answer_a_line_is_just_printed(screen: Screen, out: io.StringIO) -> None:
    screen.ask("Enter message to send: ")
    screen.answered()
    screen.show("HELLO")

    assert out.getvalue() == "Enter message to send: HELLO\n"


def test_a_prompt_that_ends_its_own_line_is_not_printed_again(
    screen: Screen, out: io.StringIO
) -> None:
    screen.ask("LIST AVAILABLE CLIENTS: Y/N\n")
    screen.show("HELLO")

    assert out.getvalue() == "LIST AVAILABLE CLIENTS: Y/N\nHELLO\n"


def test_leaving_ends_the_line_of_an_open_prompt_only(screen: Screen, out: io.StringIO) -> None:
    screen.ask("Enter your username: ")
    screen.leave()
    screen.leave()

    assert out.getvalue() == "Enter your username: \n"


def test_trace_lines_go_to_the_diagnostics_if_they_are_wanted(
    screen: Screen, out: io.StringIO, diagnostics: io.StringIO
) -> None:
    screen.trace("sent id=1")
    Screen(out, diagnostics, trace=False).trace("sent id=2")

    assert diagnostics.getvalue() == "trace: sent id=1\n"
    assert out.getvalue() == ""
