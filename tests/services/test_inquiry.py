import threading

import pytest

from services.client import inquiry
from services.client.inquiry import Inquiry
from tests.services.running import DEADLINE


def test_who_asks_waits_until_another_thread_has_the_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inquiry, "TIMEOUT", DEADLINE)
    asked = threading.Event()
    inquiring = Inquiry(asked.set)
    taken: list[str | None] = []

    def answer() -> None:
        asked.wait(DEADLINE)
        taken.append(inquiring.take())
        with inquiring.changed:
            inquiring.answered("USER 1")

    server = threading.Thread(target=answer)
    server.start()
    with inquiring.changed:
        inquiring.put("USER 1")
        assert inquiring.possible
    server.join()
    assert taken == ["USER 1"]
