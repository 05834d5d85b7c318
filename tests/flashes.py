"""Clips that flash and click at once, and how far apart the two come out."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from recordings import FFMPEG, ffmpeg

from gvc.bitstream import AudioHeader, AudioPacket
from gvc.media import AudioMode, Source

#: Seconds between flashes, of the first one, and how long one lasts: whole frames at 25 a second.
PERIOD, FIRST, FLASH = 0.6, 0.2, 0.08

#: Seconds that a click lasts, and its frequency in hertz.
CLICK, TONE = 0.02, 1000

#: Seconds by which a flash and its click may be apart and still belong together.
_PAIR = 0.25

#: Seconds by which times are off where they are rounded.
_ROUNDED = 0.0015

Block = tuple[float, np.ndarray]


def inputs(seconds: float = 3, *, rate: int = 48_000, layout: str = "mono") -> list[object]:
    """What ffmpeg reads to make such a clip, 64 × 64, 25 frames per second."""
    since = f"mod(t+{PERIOD - FIRST},{PERIOD})"
    picture = (
        f"color=black:s=64x64:r=25:d={seconds},"
        f"drawbox=c=white:t=fill:enable='lt({since}+0.001,{FLASH})'"
    )
    window = f"pow(sin(PI*{since}/{CLICK}),2)*lt({since},{CLICK})"
    sound = f"0.7*sin(2*PI*{TONE}*{since})*{window}"
    channels = {"mono": 1, "stereo": 2, "5.1": 6}[layout]
    source = f"aevalsrc='{'|'.join([sound] * channels)}':s={rate}:c={layout}:d={seconds}"
    return ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", source]


def clip(path: Path, *options: object, seconds: float = 3, rate: int = 48_000, **given) -> Path:
    """A clip, coded as ``options`` of ffmpeg say."""
    ffmpeg(*inputs(seconds, rate=rate, **given), *options, path)
    return path


def flashes(frames: Iterable[tuple[float, float]]) -> np.ndarray:
    """When flashes begin, of frames' times and brightness in 0 … 255."""
    times, levels = np.array(list(frames)).T
    bright = levels > 110
    return times[bright & ~np.insert(bright[:-1], 0, False)]


def clicks(blocks: Iterable[Block], rate: int) -> np.ndarray:
    """When clicks begin, of samples with the time of each block."""
    found: list[float] = []
    for start, samples in _stretches(list(blocks), rate):
        time = np.arange(round(CLICK * rate)) / rate
        window = np.sin(np.pi * time / CLICK) ** 2
        padded = np.pad(samples, len(time))
        parts = [
            np.convolve(padded, (window * wave(2 * np.pi * TONE * time))[::-1], "valid")
            for wave in (np.sin, np.cos)
        ]
        strength = np.hypot(*parts)
        found += [start + (at - len(time)) / rate for at in _peaks(strength, rate)]
    return np.array(found)


def _stretches(blocks: list[Block], rate: int) -> Iterable[Block]:
    """Samples where they are heard, without gaps of more than a second."""
    stretch: list[Block] = []
    for block in [*blocks, (np.inf, np.zeros(0))]:
        if stretch and block[0] - (stretch[-1][0] + len(stretch[-1][1]) / rate) > 1:
            begin = stretch[0][0]
            end = max(time + len(samples) / rate for time, samples in stretch)
            line = np.zeros(round((end - begin) * rate) + 2)
            behind = 0
            for time, samples in stretch:
                first = max(0, round((time - begin) * rate))
                if abs(first - behind) < _ROUNDED * rate:
                    first = behind
                behind = first + len(samples)
                line[first : first + len(samples)] = samples[: len(line) - first]
            yield begin, line
            stretch = []
        stretch.append(block)


def _peaks(strength: np.ndarray, rate: int) -> list[float]:
    """Where it is strongest, a third of a second apart at least."""
    peaks: list[float] = []
    left = strength.copy()
    while (at := int(left.argmax())) >= 0 and left[at] > 0.4 * strength.max() and left[at] > 1e-3:
        peaks.append(at)
        left[max(0, at - rate // 3) : at + rate // 3] = 0
    return sorted(peaks)


def errors(flash: np.ndarray, click: np.ndarray) -> list[float]:
    """Milliseconds by which each click comes after its flash."""
    return [
        1000 * float(click[np.abs(click - time).argmin()] - time)
        for time in flash
        if len(click) and np.abs(click - time).min() < _PAIR
    ]


def brightness(frame: av.VideoFrame) -> float:
    plane = frame.reformat(width=16, height=16, format="gray").to_ndarray()
    return float(plane.mean())


def heard(header: AudioHeader, packets: Iterable[AudioPacket]) -> list[Block]:
    """What stored packets sound like."""
    decoder = av.CodecContext.create(header.codec, "r")
    decoder.sample_rate, decoder.layout = header.sample_rate, header.layout
    decoder.extradata = header.extradata or None
    blocks = []
    for packet in packets:
        data = av.Packet(packet.data)
        data.pts, data.time_base = packet.pts, header.time_base
        for frame in decoder.decode(data):
            blocks.append((float(frame.pts * header.time_base), mixed(frame)))
    return blocks


def mixed(frame: av.AudioFrame) -> np.ndarray:
    """The mean of a frame's channels."""
    samples = frame.to_ndarray()
    scale = {"i2": 32768.0, "i4": 2.0**31}.get(samples.dtype.str[1:], 1.0)
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    return samples.astype(np.float64).mean(axis=0) / scale


def seen_and_heard(
    path: Path, *, audio: AudioMode = AudioMode.OPUS, said: list[str] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """When the flashes and clicks of a recording come out of :class:`gvc.media.Source`."""
    frames, packets = [], []
    with Source(path, audio=audio, say=(said if said is not None else []).append) as source:
        for unit in source:
            if isinstance(unit, AudioPacket):
                packets.append(unit)
            else:
                frames.append((float(unit.pts * source.video.time_base), brightness(unit)))
        header = source.audio
    if header is None:
        return flashes(frames), np.zeros(0)
    return flashes(frames), clicks(heard(header, packets), header.sample_rate)


def as_ffmpeg(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The same, of what ``ffmpeg -i`` decodes."""
    command = [
        *(FFMPEG, "-v", "quiet", "-nostdin", "-i", str(path), "-map", "0:v:0", "-map", "0:a:0"),
        *(
            "-fps_mode",
            "passthrough",
            "-enc_time_base:v",
            "demux",
            "-s",
            "16x16",
            "-pix_fmt",
            "gray",
            "-c:v",
            "rawvideo",
        ),
        *("-c:a", "pcm_s16le", "-f", "nut", "-"),
    ]
    done = subprocess.run(command, capture_output=True, check=False)
    frames, blocks, rate = [], [], 48_000
    with av.open(io.BytesIO(done.stdout), format="nut") as container:
        for unit in container.decode(container.streams.video[0], container.streams.audio[0]):
            time = float(Fraction(unit.pts) * unit.time_base)
            if isinstance(unit, av.VideoFrame):
                frames.append((time, float(unit.to_ndarray().mean())))
            else:
                rate = unit.sample_rate
                blocks.append((time, mixed(unit)))
    return flashes(frames), clicks(blocks, rate)
