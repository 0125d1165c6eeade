import pytest

from peerlab.checks.marks import Marks


def found(marks: list[str], text: str) -> list[tuple[int, str]]:
    return list(Marks({mark: mark for mark in marks}).find(text))


def test_all_marks_in_a_text_are_found_where_they_are() -> None:
    text = "a message 12 to you, and message 13 to me, and message 12 again"
    assert found(["message 12", "message 13", "message 14", "you, and"], text) == [
        (2, "message 12"),
        (16, "you, and"),
        (25, "message 13"),
        (47, "message 12"),
    ]


AROUND = ['{"id":"%s"}', "x%s", "%s_", "7%s7", "é%sü", "%s%%", "%s"]


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("mark", ["0723361d02b23b7b", "12345 78", "Grüße an alle", "????????"])
def test_a_long_mark_is_found_whatever_stands_around_it(mark: str, around: str) -> None:
    assert found([mark], around % mark) == [(around.index("%s"), mark)]


def test_a_number_is_not_found_within_a_longer_one() -> None:
    assert found(["17000000"], "at 1700000012 and 117000000, x17000000") == [(30, "17000000")]


@pytest.mark.parametrize("text", ["abc-12", "xabc-1", "abc-1_"])
def test_a_short_mark_is_not_found_as_a_part_of_a_word(text: str) -> None:
    assert found(["abc-1"], text) == []
    assert found(["abc-1"], f"{text} abc-1.") == [(len(text) + 1, "abc-1")]


def test_of_marks_that_are_parts_of_each_other_the_longest_that_is_there_counts() -> None:
    marks = ["message-1", "message-12", "a message-1", "-12"]
    assert found(marks, "message-12") == [(0, "message-12")]
    assert found(marks, "a message-12") == [(0, "a message-1"), (2, "message-12")]
    assert found(marks, "message-1, message-12") == [(0, "message-1"), (11, "message-12")]


def test_a_word_that_a_mark_has_twice_is_not_mistaken() -> None:
    assert found(["no no no"], "no, no no no") == [(4, "no no no")]


def test_a_mark_whose_rarest_word_comes_late_may_begin_a_text() -> None:
    assert found(["say it 7", "say it 8"], "say it 8") == [(0, "say it 8")]
    assert found(["say it 7", "say it 8"], "8") == []


def test_a_mark_without_a_word_is_never_found() -> None:
    assert found(["?!"], "what?!") == []
