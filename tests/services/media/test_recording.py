from array import array
from pathlib import Path

import pytest

from services.media import recording
from services.media.recording import Recordings
from services.media.wav import read_wav

FRAME = array("h", [7] * 160)


def test_what_is_written_is_a_file_that_can_be_played(tmp_path: Path) -> None:
    file = Recordings(str(tmp_path)).begin("a.wav")
    file.write([FRAME, FRAME])
    file.close()

    assert read_wav((tmp_path / "a.wav").read_bytes()) == FRAME + FRAME
    assert file.outcome == f", written to {tmp_path}/a.wav"


def test_without_a_directory_nothing_is_written_and_nothing_told() -> None:
    file = Recordings(None).begin("a.wav")
    file.write([FRAME])
    file.close()

    assert file.outcome == ""


def test_a_file_that_is_there_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("mine")
    file = Recordings(str(tmp_path)).begin("a.wav")
    file.write([FRAME])
    file.close()

    assert file.outcome == ", not wholly written: File exists"
    assert (tmp_path / "a.wav").read_text() == "mine"


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    file = Recordings(str(tmp_path / "none")).begin("a.wav")

    assert file.outcome == ", not wholly written: No such file or directory"


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    file = Recordings(str(tmp_path)).begin("a.wav")
    assert file._file
    file._file.close()
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
        file._file = full
        file.write([FRAME] * 100)
        file.close()

    assert file.outcome == ", not wholly written: No space left on device"


def test_all_files_together_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "MAX_RECORDED", 400)
    recordings = Recordings(str(tmp_path))
    first, second = recordings.begin("a.wav"), recordings.begin("b.wav")
    for file in (first, second):
        file.write([FRAME, FRAME])
        file.close()

    assert first.outcome == f", written to {tmp_path}/a.wav"
    assert second.outcome == ", not wholly written: 0 s are recorded already"
    assert len(read_wav((tmp_path / "a.wav").read_bytes())) == 320
