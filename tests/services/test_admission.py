from services.server.admission import Admission


def test_there_are_as_many_as_may_be_in_all_and_from_one_address() -> None:
    admission = Admission(3, 2)

    assert [admission.enter("10.0.0.2") for _ in range(3)] == [True, True, False]
    assert admission.enter("10.0.0.3")
    assert not admission.enter("10.0.0.4")


def test_who_leaves_makes_room() -> None:
    admission = Admission(2, 1)
    admission.enter("10.0.0.2")
    admission.enter("10.0.0.3")
    admission.leave("10.0.0.2")

    assert not admission.enter("10.0.0.3")
    assert admission.enter("10.0.0.2")
