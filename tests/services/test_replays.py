from services.replays import REMEMBERED, Replays

HERE, THERE = ("203.0.113.7", 60155), ("203.0.113.7", 60156)


def test_a_transaction_comes_from_one_address_alone() -> None:
    replays = Replays()

    assert not replays.is_one(b"first", HERE)
    assert not replays.is_one(b"first", HERE)
    assert replays.is_one(b"first", THERE)
    assert not replays.is_one(b"second", THERE)
    assert not replays.is_one(b"first", HERE)


def test_of_too_many_transactions_the_oldest_is_forgotten() -> None:
    replays = Replays()
    for number in range(REMEMBERED + 1):
        assert not replays.is_one(bytes([number]), HERE)

    assert replays.is_one(bytes([1]), THERE)
    assert not replays.is_one(bytes([0]), THERE)
