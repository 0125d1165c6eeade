import io
import math
import struct
import wave
from array import array
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.media.orders import SoundError
from services.media.pcmu import RATE
from services.media.wav import HEADER_SIZE, MAX_FILE, read_wav, wav_header, wav_samples


def written(frames: bytes, *, rate: int = RATE, channels: int = 1, bits: int = 16) -> bytes:
    """A file as Python's own module writes it."""
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setparams((channels, bits // 8, rate, 0, "NONE", ""))
        wav.writeframes(frames)
    return file.getvalue()


def chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def riff(*chunks: bytes) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def form(code: int = 1, channels: int = 1, rate: int = RATE, bits: int = 16) -> bytes:
    return chunk(b"fmt ", struct.pack("<HHIIHH", code, channels, rate, 0, 0, bits))


@given(st.lists(st.integers(-32768, 32767), min_size=1, max_size=50))
def test_what_is_written_is_read_by_others_and_read_back(samples: list[int]) -> None:
    sound = array("h", samples)
    data = wav_header(len(sound)) + wav_samples(sound)

    assert len(data) == HEADER_SIZE + 2 * len(sound)
    with wave.open(io.BytesIO(data)) as wav:
        assert wav.getparams()[:4] == (1, 2, RATE, len(sound))
        assert wav.readframes(len(sound)) == wav_samples(sound)
    assert data == written(wav_samples(sound))
    assert read_wav(data) == sound


def test_two_channels_become_their_mean() -> None:
    assert list(read_wav(written(struct.pack("<4h", 100, 300, -5, -7), channels=2))) == [200, -6]


def test_eight_bits_are_unsigned() -> None:
    assert list(read_wav(written(b"\x00\x80\xff", bits=8))) == [-32768, 0, 127 * 256]


def test_a_higher_rate_is_averaged_and_a_lower_one_is_joined_by_lines() -> None:
    assert list(read_wav(written(struct.pack("<4h", 10, 20, 50, 70), rate=16000))) == [15, 60]
    assert list(read_wav(written(struct.pack("<2h", 10, 20), rate=4000))) == [10, 15, 20, 20]


@pytest.mark.parametrize("rate", [4000, 11025, 22050, 44100, 48000])
def test_a_tone_keeps_its_length_and_its_pitch_at_any_rate(rate: int) -> None:
    samples = [round(8000 * math.sin(math.tau * 440 * at / rate)) for at in range(rate)]
    sound = read_wav(written(struct.pack(f"<{rate}h", *samples), rate=rate))

    assert len(sound) == RATE
    crossings = sum(a < 0 <= b for a, b in pairwise(sound))
    assert crossings in {439, 440}


def test_chunks_that_mean_nothing_here_are_passed_over() -> None:
    data = riff(chunk(b"LIST", b"odd"), form(), chunk(b"fact", b"1234"), chunk(b"data", b"\1\0"))

    assert list(read_wav(data)) == [1]


def test_the_extensible_form_of_plain_sound_is_read() -> None:
    extended = struct.pack("<HHIIHHHHIH", 0xFFFE, 1, RATE, 0, 0, 16, 22, 16, 4, 1) + bytes(14)

    assert list(read_wav(riff(chunk(b"fmt ", extended), chunk(b"data", b"\2\0")))) == [2]


SOUND = chunk(b"data", b"\1\0\2\0")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "it is no WAV file: it does not begin with RIFF and WAVE"),
        (b"ID3" + bytes(40), "it is no WAV file: it does not begin with RIFF and WAVE"),
        (riff(), "there is no sound in it: it has no data chunk"),
        (riff(form()), "there is no sound in it: it has no data chunk"),
        (riff(form(), chunk(b"data", b"")), "there is no sound in it: its data chunk is empty"),
        (riff(SOUND, form()), "its sound comes before its format"),
        (riff(chunk(b"fmt ", b"\1\0"), SOUND), "its format is cut off"),
        (riff(form(code=7), SOUND), "its sound is coded (format 7): only plain PCM is played"),
        (riff(form(channels=6), SOUND), "it has 6 channels: only one or two are played"),
        (riff(form(bits=24), SOUND), "its samples have 24 bits: only 8 or 16 are played"),
        (
            riff(form(rate=1), SOUND),
            "it has 1 samples per second: only 1000 to 192000 are played",
        ),
        (
            riff(form(), SOUND)[:-1],
            "it is cut off: 4 bytes of sound are announced, 3 are there",
        ),
        (riff(form(rate=1000, bits=8), chunk(b"data", bytes(60_001))), "it is longer than 60 s"),
        (bytes(MAX_FILE + 1), "it is larger than 16 MiB"),
    ],
)
def test_what_cannot_be_played_is_refused_with_the_reason(data: bytes, why: str) -> None:
    with pytest.raises(SoundError) as refused:
        read_wav(data)

    assert str(refused.value) == why


@given(st.integers(0, 60), st.binary(max_size=8), st.booleans(), st.binary(max_size=60))
def test_any_bytes_are_sound_or_refused(at: int, damage: bytes, cut: bool, tail: bytes) -> None:  # noqa: FBT001
    whole = riff(form(channels=2, rate=11025), chunk(b"data", bytes(range(64))))
    damaged = whole[:at] + damage + (b"" if cut else whole[at + len(damage) :])
    for data in (damaged, whole[:12] + tail, tail):
        try:
            assert read_wav(data)
        except SoundError:
            continue
