"""A packed run is one file, always the same one, and unpacking never does more than that."""

import os
import stat
import struct
import tempfile
from pathlib import Path
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import pytest

from peerlab.errors import UsageError
from peerlab.evidence import pack as packing
from peerlab.evidence.journal import Kind
from peerlab.evidence.pack import pack, unpacked
from tests.support.journals import event, evidence

BEGAN = "2026-01-31T20:30:59.500+01:00"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "runs" / "demo" / "20260131T193059Z-0a1b2c3d"
    evidence(folder, [event(Kind.RUN, scenario="demo", began=BEGAN)])
    (folder / "nodes").mkdir()
    (folder / "nodes" / "u1.log").write_bytes(bytes(range(256)) * 999)
    return folder


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "run.zip"


def contents(directory: Path) -> dict[str, bytes]:
    files = (path for path in directory.rglob("*") if path.is_file())
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in files}


def test_what_is_packed_is_there_again_byte_by_byte(folder: Path, file: Path) -> None:
    assert pack(folder, file) == []
    with unpacked(file) as directory:
        assert contents(directory / folder.name) == contents(folder)
    assert not directory.exists()


def test_the_same_run_gives_the_same_file_wherever_and_whenever(
    folder: Path, file: Path, tmp_path: Path
) -> None:
    pack(folder, file)
    moved = tmp_path / "elsewhere" / folder.name
    moved.parent.mkdir()
    folder.rename(moved)
    for path in moved.rglob("*"):
        os.utime(path, (0, 0))
        path.chmod(0o700)
    again = tmp_path / "again.zip"
    pack(moved, again)
    assert again.read_bytes() == file.read_bytes()
    with ZipFile(file) as packed:
        assert {entry.date_time for entry in packed.infolist()} == {(2026, 1, 31, 19, 30, 58)}
        assert {entry.filename.split("/")[0] for entry in packed.infolist()} == {folder.name}
    assert str(tmp_path).encode() not in file.read_bytes()


def test_links_are_left_out_and_told(folder: Path, file: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "nodes" / "all").symlink_to(tmp_path)
    assert pack(folder, file) == [folder / "link", folder / "nodes" / "all"]
    with ZipFile(file) as packed:
        assert [name.split("/", 1)[1] for name in packed.namelist()] == [
            "journal.jsonl",
            "nodes/u1.log",
        ]


def test_the_link_to_the_latest_run_is_packed_under_its_own_name(folder: Path, file: Path) -> None:
    latest = folder.with_name("latest")
    latest.symlink_to(folder.name)
    pack(latest, file)
    with ZipFile(file) as packed:
        assert packed.namelist()[0] == f"{folder.name}/journal.jsonl"


def test_what_is_no_run_or_cannot_be_written_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not the evidence of a run"):
        pack(tmp_path, tmp_path / "x.zip")
    with pytest.raises(UsageError, match=r"cannot write .*nowhere"):
        pack(folder, tmp_path / "nowhere" / "x.zip")
    (folder / "a\\b").touch()
    with pytest.raises(UsageError, match=r"cannot pack .*a\\b: is no path that leads to the same"):
        pack(folder, tmp_path / "x.zip")
    (folder / "a\\b").unlink()
    (folder / "journal.jsonl").write_text("")
    with pytest.raises(UsageError, match="its journal does not begin"):
        pack(folder, tmp_path / "x.zip")
    assert not (tmp_path / "x.zip").exists()


def entry(name: str, mode: int = stat.S_IFREG | 0o644, method: int = ZIP_DEFLATED) -> ZipInfo:
    info = ZipInfo(name)
    info.external_attr, info.compress_type, info.create_system = mode << 16, method, 3
    return info


NASTY = {
    "outside": ([entry("run/../../evil")], "leads to the same place"),
    "absolute": ([entry("/tmp/evil")], "leads to the same place"),
    "a drive": ([entry("C:/evil")], "leads to the same place"),
    "backslashes": ([entry("..\\evil")], "leads to the same place"),
    "a dot": ([entry("run/./evil")], "leads to the same place"),
    "no name": ([entry("run//evil")], "leads to the same place"),
    "a device": ([entry("run/NUL.txt")], "leads to the same place"),
    "a dot at the end": ([entry("run/evil.")], "leads to the same place"),
    "an escape": ([entry("run/\x1b[2J")], "leads to the same place"),
    "a long name": ([entry("run/" + "x" * 240)], "is longer than 240 characters"),
    "twice": ([entry("run/a"), entry("run/b"), entry("run/a")], "'run/a' is in the way"),
    "twice but for case": ([entry("run/a"), entry("run/A")], "'run/A' is in the way"),
    "below a file": ([entry("run/a"), entry("run/a/b")], "'run/a/b' is in the way"),
    "a link": ([entry("run/a", stat.S_IFLNK | 0o777)], "is neither a file nor a directory"),
    "a device file": ([entry("run/a", stat.S_IFCHR | 0o666)], "neither a file nor a directory"),
    "another method": ([entry("run/a", method=ZIP_BZIP2)], "is compressed in another way"),
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", NASTY)
def test_no_entry_does_more_than_it_should(
    file: Path, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries, message = NASTY[name]
    with ZipFile(file, "w") as packed:
        for each in entries:
            packed.writestr(each, b"evil")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    with pytest.raises(UsageError, match=message), unpacked(file):
        pass
    assert list(scratch.iterdir()) == []
    assert not list(tmp_path.rglob("evil"))


def test_a_name_with_a_nul_in_it_is_refused(file: Path) -> None:
    with ZipFile(file, "w") as packed:
        packed.writestr(entry("run/aXb"), b"")
    file.write_bytes(file.read_bytes().replace(b"run/aXb", b"run/a\0b"))
    with pytest.raises(UsageError, match="leads to the same place"), unpacked(file):
        pass


def test_an_encrypted_file_is_refused(file: Path) -> None:
    with ZipFile(file, "w") as packed:
        packed.writestr(entry("run/a"), b"x")
    data = bytearray(file.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    file.write_bytes(data)
    with pytest.raises(UsageError, match="'run/a' is encrypted"), unpacked(file):
        pass


def test_too_many_entries_are_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "MAX_ENTRIES", 3)
    with ZipFile(file, "w") as packed:
        for number in range(4):
            packed.writestr(entry(f"run/{number}"), b"")
    with (
        pytest.raises(UsageError, match="too large to be unpacked: at most 3 files"),
        unpacked(file),
    ):
        pass


def test_a_bomb_is_refused_whatever_it_says_of_its_size(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "MAX_SIZE", 1 << 20)
    with ZipFile(file, "w") as packed:
        packed.writestr(entry("run/a"), bytes(700_000))
        packed.writestr(entry("run/b"), bytes(700_000))
    with pytest.raises(UsageError, match=r"too large .* and 1 MiB"), unpacked(file):
        pass
    # Said to be small, it is read no further than that, and then its checksum is wrong.
    data = file.read_bytes().replace(struct.pack("<I", 700_000), struct.pack("<I", 1))
    file.write_bytes(data)
    with pytest.raises(UsageError, match="Bad CRC-32"), unpacked(file):
        pass


def test_a_directory_larger_than_any_is_refused_before_it_is_read(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ZipFile(file, "w") as packed:
        packed.writestr(entry("run/a"), b"x")
    end = file.read_bytes().rindex(b"PK\x05\x06")
    opened: list[Path] = []
    monkeypatch.setattr(packing, "ZipFile", opened.append)
    for place, value in ((10, struct.pack("<H", 60_000)), (12, struct.pack("<I", 1 << 31))):
        data = bytearray(file.read_bytes())
        data[end + place : end + place + len(value)] = value
        file.with_name("large.zip").write_bytes(data)
        with pytest.raises(UsageError, match="too large"), unpacked(file.with_name("large.zip")):
            pass
    assert opened == []


def test_a_broken_file_is_told_with_what_helps(folder: Path, file: Path) -> None:
    pack(folder, file)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UsageError, match="is no packed run") as short, unpacked(file):
        pass
    assert short.value.hint is not None
    middle = len(whole) // 2
    file.write_bytes(whole[:middle] + bytes(64) + whole[middle + 64 :])
    with pytest.raises(UsageError, match="cannot unpack") as broken, unpacked(file):
        pass
    assert broken.value.hint is not None
    assert "packed again" in broken.value.hint


def test_files_that_are_stored_as_they_are_and_directories_are_unpacked(file: Path) -> None:
    with ZipFile(file, "w") as packed:
        packed.writestr(entry("run/", stat.S_IFDIR | 0o755), b"")
        packed.writestr(entry("run/a", 0, ZIP_STORED), b"x")
    with unpacked(file) as directory:
        assert contents(directory) == {"run/a": b"x"}
