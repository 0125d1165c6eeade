"""What was heard, as WAV files in a directory; how much is written in all is bounded."""

import os
from array import array
from collections.abc import Iterable

from services.media.pcmu import RATE
from services.media.wav import wav_header, wav_samples
from services.settings import reason

MAX_RECORDED = 600 * RATE
"""Samples that one client writes in all its life: ten minutes, 9.6 MB."""


class Recordings:
    """The directory that recordings go to, and how much may still be written."""

    def __init__(self, directory: str | None) -> None:
        """Write into a directory; with None nothing is written."""
        self._directory = directory
        self.left = MAX_RECORDED

    def begin(self, name: str) -> "Recording":
        """Begin a file of this name, which must not be there yet."""
        path = os.path.join(self._directory, name) if self._directory else None  # noqa: PTH118
        return Recording(self, path)


class Recording:
    """One file. Whatever goes wrong ends it, and is told in `outcome`; nothing is raised."""

    def __init__(self, recordings: Recordings, path: str | None) -> None:
        """Open the file, if there is to be one."""
        self._recordings = recordings
        self._samples = 0
        self._file = None
        self.outcome = f", written to {path}" if path else ""
        """What to tell of it, as the end of a sentence."""
        if path:
            try:
                self._file = open(path, "xb")  # noqa: PTH123, SIM115 - pathlib would slow down the start; open until the stream ends
                self._file.write(wav_header(0))
            except OSError as error:
                self._break_off(reason(error))

    def write(self, frames: Iterable["array[int]"]) -> None:
        """Add sound, up to the bound."""
        for frame in frames:
            if not self._file:
                return
            if self._recordings.left < len(frame):
                self._break_off(f"{MAX_RECORDED // RATE} s are recorded already")
                return
            try:
                self._file.write(wav_samples(frame))
            except OSError as error:
                self._break_off(reason(error))
                return
            self._recordings.left -= len(frame)
            self._samples += len(frame)

    def close(self) -> None:
        """End the file: only now it says how long it is."""
        file, self._file = self._file, None
        if file:
            try:
                with file:
                    file.seek(0)
                    file.write(wav_header(self._samples))
            except OSError as error:
                self._break_off(reason(error))

    def _break_off(self, why: str) -> None:
        self.outcome = f", not wholly written: {why}"
        self.close()
