import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.datagram import MAX_DATAGRAM, NONCE, SEALED_TAG, SEALING
from services.seal import BrokenSealError, seal, unseal
from services.server.keys import PairKeys

KEY = bytes(range(32))
OTHER_KEY = bytes(range(1, 33))
ONCE = bytes(range(NONCE))
SEALED = seal(b"CHAT/1 {}", KEY, ONCE, "USER 1", "USER 2")

labels = st.integers(1, 9_999_999_999).map("USER {}".format)


@given(
    data=st.binary(max_size=MAX_DATAGRAM - SEALING),
    key=st.binary(min_size=32, max_size=32),
    nonce=st.binary(min_size=NONCE, max_size=NONCE),
    sender=labels,
    recipient=labels,
)
def test_what_was_sealed_comes_out_for_its_recipient(
    data: bytes, key: bytes, nonce: bytes, sender: str, recipient: str
) -> None:
    sealed = seal(data, key, nonce, sender, recipient)

    assert unseal(sealed, key, sender, recipient) == data
    assert sealed.startswith(SEALED_TAG + nonce)
    assert len(sealed) == len(data) + SEALING <= MAX_DATAGRAM


@pytest.mark.parametrize(
    ("key", "sender", "recipient"),
    [
        (OTHER_KEY, "USER 1", "USER 2"),
        (KEY, "USER 2", "USER 1"),
        (KEY, "USER 1", "USER 3"),
        (KEY, "USER 3", "USER 2"),
        (KEY, "USER 1", "USER 1"),
        (KEY, "USER 11", "USER 2"),
        (KEY, "USER 1", "USER 22"),
    ],
)
def test_it_opens_with_no_other_key_and_neither_back_nor_for_or_from_another(
    key: bytes, sender: str, recipient: str
) -> None:
    with pytest.raises(BrokenSealError):
        unseal(SEALED, key, sender, recipient)


@pytest.mark.parametrize("at", range(len(SEALED)))
@given(change=st.integers(1, 255))
def test_a_datagram_with_any_byte_changed_does_not_open(at: int, change: int) -> None:
    altered = bytearray(SEALED)
    altered[at] ^= change

    with pytest.raises(BrokenSealError):
        unseal(bytes(altered), KEY, "USER 1", "USER 2")


@given(length=st.integers(0, len(SEALED) - 1), more=st.binary(min_size=1, max_size=40))
def test_a_datagram_that_is_cut_or_lengthened_does_not_open(length: int, more: bytes) -> None:
    for altered in (SEALED[:length], SEALED + more, SEALED_TAG + SEALED):
        with pytest.raises(BrokenSealError):
            unseal(altered, KEY, "USER 1", "USER 2")


@given(st.binary(max_size=MAX_DATAGRAM))
def test_what_nobody_sealed_does_not_open(data: bytes) -> None:
    for datagram in (data, SEALED_TAG + data):
        with pytest.raises(BrokenSealError):
            unseal(datagram, KEY, "USER 1", "USER 2")


def test_a_key_belongs_to_two_labels_in_either_order_and_to_one_server() -> None:
    keys = PairKeys(b"secret")
    pairs = [("USER 1", "USER 2"), ("USER 1", "USER 3"), ("USER 2", "USER 3"), ("USER 1", "USER 1")]

    assert all(keys.between(*pair) == keys.between(*reversed(pair)) for pair in pairs)
    assert len({keys.between(*pair) for pair in pairs}) == len(pairs)
    assert len(keys.between("USER 1", "USER 2")) == 32
    assert PairKeys(b"another").between("USER 1", "USER 2") != keys.between("USER 1", "USER 2")
