"""The thread that listens to a lab."""

import os
import threading

from peerlab.backend.netns.pump import Pump


def test_who_still_listens_when_the_pump_has_ended_can_hang_up_later() -> None:
    pump = Pump("test")
    near, far = os.pipe()
    heard = threading.Event()
    pump.watch(near, heard.set)
    os.write(far, b"x")
    assert heard.wait(20)
    pump.close()
    pump.forget(near)
    os.close(near)
    os.close(far)


def test_what_is_forgotten_is_not_called_any_more() -> None:
    pump = Pump("test")
    (first, to_first), (second, to_second) = os.pipe(), os.pipe()
    calls: list[str] = []
    heard = threading.Event()

    def take_first() -> None:
        calls.append(os.read(first, 1).decode())
        pump.forget(first)
        os.write(to_first, b"b")
        os.write(to_second, b"x")

    pump.watch(first, take_first)
    pump.watch(second, heard.set)
    os.write(to_first, b"a")
    assert heard.wait(20)
    pump.close()
    assert calls == ["a"]
    for descriptor in (first, to_first, second, to_second):
        os.close(descriptor)
