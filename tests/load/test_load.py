"""The short form of the load suite; `make abuse` has the long one (docs/abuse.md)."""

import sys

import pytest

from tests.load.crowd import chatter, storm
from tests.load.greedy import greedy_clients
from tests.load.guessing import guesses
from tests.load.slow import slow_senders
from tests.support.figures import assert_met
from tests.support.scale import SHORT

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="needs /proc, and all of 127.0.0.0/8 as Linux has it"
)


def test_a_crowd_that_logs_in_at_once_gets_one_label_each() -> None:
    assert_met(storm(SHORT.storm))


def test_everybody_of_a_crowd_is_told_of_all_others_and_a_bystander_gets_in() -> None:
    assert_met(chatter(SHORT.clients, SHORT.chatter))


def test_clients_that_ask_without_end_keep_nobody_else_from_an_answer() -> None:
    assert_met(greedy_clients(SHORT.greedy, SHORT.clients, SHORT.greed))


def test_slow_senders_are_shown_out_and_hold_up_nobody() -> None:
    assert_met(slow_senders(SHORT.senders, SHORT.rounds, SHORT.login_within))


def test_guessing_passwords_keeps_nobody_out_who_knows_the_right_one() -> None:
    assert_met(guesses(SHORT.guesses, SHORT.guessers, SHORT.guess_delay_most))
