import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from peerlab.errors import UsageError
from peerlab.record.place import default_directory, own_place, socket_path


@pytest.fixture
def short() -> Iterator[Path]:
    """A directory with a short path, as sockets need."""
    with tempfile.TemporaryDirectory(prefix="pl-") as path:
        yield Path(path)


def test_the_directory_is_made_for_its_owner_alone(short: Path) -> None:
    place = short / "mine"
    with own_place(place) as socket:
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
        assert socket.parent == place
        assert not socket.exists()


def test_two_recordings_do_not_share_a_directory(short: Path) -> None:
    with own_place(short), pytest.raises(UsageError, match="another recording"), own_place(short):
        pass
    with own_place(short):
        pass


def test_the_socket_of_a_recording_that_was_killed_is_no_obstacle(short: Path) -> None:
    socket_path(short).touch()
    with own_place(short) as socket:
        assert not socket.exists()


def test_a_directory_that_others_can_enter_is_refused(short: Path) -> None:
    short.chmod(0o750)
    with pytest.raises(UsageError, match="not yours alone"), own_place(short):
        pass


def test_a_link_to_a_directory_is_refused(short: Path) -> None:
    (short / "there").mkdir(mode=0o700)
    (short / "link").symlink_to(short / "there")
    with pytest.raises(UsageError, match="not a directory"), own_place(short / "link"):
        pass


def test_a_directory_that_cannot_be_made_is_told(short: Path) -> None:
    (short / "file").touch()
    with pytest.raises(UsageError, match="cannot use"), own_place(short / "file" / "below"):
        pass


def test_a_path_too_long_for_a_socket_is_refused() -> None:
    with pytest.raises(UsageError, match="too long"):
        socket_path(Path("/" + "x" * 200))


def test_each_user_has_a_default_directory() -> None:
    assert default_directory({"XDG_RUNTIME_DIR": "/run/user/7"}) == Path("/run/user/7/peerlab")
    assert default_directory({}).name == f"peerlab-{os.getuid()}"
