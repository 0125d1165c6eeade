"""Folders of recordings, those of dead processes too."""

import signal
import subprocess
import sys
from pathlib import Path

from peerlab.record.scratch import own_scratch, sweep_scratch

HOLDS = """
import sys
from pathlib import Path
from peerlab.record.scratch import own_scratch
with own_scratch(Path(sys.argv[1])) as folder:
    (folder / "journal").write_text("typed")
    print(folder, flush=True)
    sys.stdin.read()
"""


def test_a_folder_is_its_owners_alone_and_gone_afterwards(tmp_path: Path) -> None:
    with own_scratch(tmp_path) as folder:
        (folder / "journal").write_text("typed")
        assert folder.stat().st_mode & 0o077 == 0
        assert sweep_scratch(tmp_path) == []
        assert folder.exists()
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_a_process_that_was_killed_is_removed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        folder = Path(child.stdout.readline().strip())
        assert sweep_scratch(tmp_path) == []
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert (folder / "journal").exists()
    assert sweep_scratch(tmp_path) == [folder]
    assert not folder.exists()


def test_what_is_not_a_folder_of_the_user_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "peerlab-record-link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "peerlab-record-file").write_text("x")
    assert sweep_scratch(tmp_path) == []
    assert len(list(tmp_path.iterdir())) == 3
