import pytest

from peerlab.wire.rtnetlink import await_carrier

NOWHERE = 1 << 30
"""Index of a device that there is not."""


def test_a_device_that_never_can_send_is_not_awaited_for_ever() -> None:
    with pytest.raises(TimeoutError, match=r"devices cannot send after 0\.05 s"):
        await_carrier({NOWHERE}, 0.05)
