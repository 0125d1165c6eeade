"""The short form of the abuse suite; `make abuse` has the long one (docs/abuse.md)."""

import sys

import pytest

from tests.fuzz.flood import hostile_datagrams
from tests.fuzz.names import hostile_messages, hostile_names
from tests.fuzz.replies import hostile_replies
from tests.fuzz.reports import hostile_reports
from tests.fuzz.sessions import hostile_sessions, huge_first_packets
from tests.support.figures import assert_met
from tests.support.scale import SHORT

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="needs /proc, and all of 127.0.0.0/8 as Linux has it"
)


def test_hostile_sessions_neither_stop_nor_swell_the_server_nor_hold_up_a_bystander() -> None:
    assert_met(hostile_sessions(SHORT.sessions))


def test_a_line_without_an_end_is_refused_and_its_connection_may_go_on() -> None:
    assert_met(huge_first_packets(SHORT.first_packets, SHORT.first_packet))


def test_hostile_datagrams_neither_stop_nor_swell_a_client_nor_get_an_answer() -> None:
    assert_met(hostile_datagrams(SHORT.datagrams))


def test_a_client_bears_what_a_hostile_server_answers() -> None:
    assert_met(hostile_replies(SHORT.replies))


def test_a_hostile_name_forges_nothing_on_the_list_or_in_the_log() -> None:
    assert_met(hostile_names(SHORT.names))


def test_a_hostile_message_is_one_harmless_line() -> None:
    assert_met(hostile_messages(SHORT.names))


def test_what_a_program_prints_changes_nothing_of_how_its_results_are_built() -> None:
    assert_met(hostile_reports(SHORT.names))
