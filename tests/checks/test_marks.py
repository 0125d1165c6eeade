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


def test_a_mark_is_found_where_other_signs_stand_around_it_and_not_as_a_part_of_a_word() -> None:
    assert found(["0723361d02b23b7b"], '{"id":"0723361d02b23b7b"}') == [(7, "0723361d02b23b7b")]
    assert found(["0723361d02b23b7b"], "x0723361d02b23b7b") == []


def test_a_word_that_a_mark_has_twice_is_not_mistaken() -> None:
    assert found(["no no no"], "no, no no no") == [(4, "no no no")]


def test_a_mark_whose_rarest_word_comes_late_may_begin_a_text() -> None:
    assert found(["say it 7", "say it 8"], "say it 8") == [(0, "say it 8")]
    assert found(["say it 7", "say it 8"], "8") == []


def test_a_mark_without_a_word_is_never_found() -> None:
    assert found(["?!"], "what?!") == []
