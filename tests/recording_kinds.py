"""Recordings of many kinds that flash and click at once, and how far apart both come out.

``python tests/recording_kinds.py`` prints the table of docs/recordings.md for the checkout that is
imported: another one is measured with ``PYTHONPATH`` set to it.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import av
from flashes import PERIOD, as_ffmpeg, clip, errors, seen_and_heard
from recordings import ffmpeg
from retiming import packed, retimed_matroska, retimed_stream, without_packets

X264 = ("-c:v", "libx264", "-preset", "veryfast", "-g", "15", "-pix_fmt", "yuv420p")
B = (*X264, "-bf", "2")
LOW = (*X264, "-bf", "0")
AAC, MP3, AC3 = ("-c:a", "aac"), ("-c:a", "libmp3lame"), ("-c:a", "ac3")
MPEG2 = ("-c:v", "mpeg2video", "-q:v", "3", "-bf", "2")
MPEG4 = ("-c:v", "mpeg4", "-q:v", "3")
VP8 = ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "300k")
VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "300k")
PCM, FLAC, OPUS = ("-c:a", "pcm_s16le"), ("-c:a", "flac"), ("-c:a", "libopus")
VORBIS, MP2, ALAC = ("-c:a", "libvorbis"), ("-c:a", "mp2"), ("-c:a", "alac")
FRAGMENTS = ("-movflags", "frag_keyframe+empty_moov+default_base_moof")

#: Recordings in which nothing is wrong: what a file's name ends in, and how it is coded.
WHOLE: dict[str, tuple[str, tuple[object, ...]]] = {
    "MP4, H.264 with B-frames, AAC": ("mp4", (*B, *AAC)),
    "MP4, H.264, MP3": ("mp4", (*LOW, *MP3)),
    "MP4, H.264, Opus": ("mp4", (*B, *OPUS)),
    "MP4, H.264, FLAC": ("mp4", (*B, *FLAC)),
    "MP4, H.264, ALAC": ("mp4", (*B, *ALAC)),
    "MP4, H.264, AC-3": ("mp4", (*B, *AC3)),
    "MP4, MPEG-4, AAC of 44.1 kHz": ("mp4", (*MPEG4, *AAC, "-ar", 44100)),
    "MP4, HEVC, AAC": ("mp4", ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params",
                               "log-level=error", *AAC)),
    "MP4 of fragments, H.264 with B-frames, AAC": ("mp4", (*B, *AAC, *FRAGMENTS)),
    "MP4 of fragments, H.264, Opus": ("mp4", (*LOW, *OPUS, *FRAGMENTS)),
    "MOV, H.264, PCM": ("mov", (*B, *PCM)),
    "MOV, MJPEG, ALAC": ("mov", ("-c:v", "mjpeg", *ALAC)),
    "Matroska, H.264 with B-frames, AAC": ("mkv", (*B, *AAC)),
    "Matroska, H.264, MP3": ("mkv", (*B, *MP3)),
    "Matroska, H.264, Vorbis": ("mkv", (*B, *VORBIS)),
    "Matroska, H.264, FLAC of six channels": ("mkv", (*B, *FLAC, "-ac", 6)),
    "Matroska, H.264, AC-3": ("mkv", (*B, *AC3)),
    "Matroska, FFV1, PCM": ("mkv", ("-c:v", "ffv1", *PCM)),
    "WebM, VP8, Vorbis": ("webm", (*VP8, *VORBIS)),
    "WebM, VP9, Opus": ("webm", (*VP9, *OPUS)),
    "MPEG-TS, H.264 with B-frames, AAC": ("ts", (*B, *AAC)),
    "MPEG-TS, H.264, AC-3": ("ts", (*B, *AC3)),
    "MPEG-TS, MPEG-2, MP2": ("ts", (*MPEG2, *MP2)),
    "MPEG-PS, MPEG-1, MP2": ("mpg", ("-c:v", "mpeg1video", "-q:v", 3, *MP2)),
    "VOB, MPEG-2, AC-3": ("vob", (*MPEG2, *AC3)),
    "FLV, H.264 with B-frames, AAC": ("flv", (*B, *AAC)),
    "FLV, Sorenson, MP3": ("flv", ("-c:v", "flv1", "-q:v", 3, *MP3, "-ar", 44100)),
    "AVI, H.264 with B-frames, MP3": ("avi", (*X264, "-bf", 3, *MP3)),
    "AVI, MPEG-4 with B-frames, MP3": ("avi", (*MPEG4, "-bf", 2, *MP3)),
    "AVI, Xvid with B-frames, AC-3": ("avi", ("-c:v", "libxvid", "-q:v", 3, "-bf", 2, *AC3)),
    "AVI, MJPEG, PCM": ("avi", ("-c:v", "mjpeg", *PCM)),
    "WMV, WMV 2, WMA 2": ("wmv", ("-c:v", "wmv2", "-q:v", 3, "-c:a", "wmav2")),
    "WMV, WMV 1, WMA 1": ("wmv", ("-c:v", "wmv1", "-q:v", 3, "-c:a", "wmav1")),
    "Ogg, Theora, Vorbis": ("ogv", ("-c:v", "libtheora", "-q:v", 7, *VORBIS)),
    "NUT, H.264 with B-frames, AAC": ("nut", (*B, *AAC)),
    "MXF, MPEG-2, PCM": ("mxf", (*MPEG2, *PCM)),
    "3GP, H.263, AAC": ("3gp", ("-c:v", "h263", "-q:v", 3, "-s", "176x144", *AAC)),
}  # fmt: skip


def part(folder: Path, suffix: str, *options: object, seconds: float = 2, **given) -> Path:
    """A recording to be changed."""
    path = folder / f"part{len(list(folder.iterdir()))}.{suffix}"
    return clip(path, *options, seconds=seconds, **given)


def copied(source: Path, name: str, *options: object, before: tuple[object, ...] = ()) -> Path:
    """``source`` copied by ffmpeg, with options."""
    target = source.parent / name
    ffmpeg(*before, "-i", source, "-c", "copy", *options, target)
    return target


def joined(folder: Path, *parts: Path) -> Path:
    path = folder / f"joined{parts[0].suffix}"
    path.write_bytes(b"".join(each.read_bytes() for each in parts))
    return path


def live(folder: Path, *options: object, seconds: float = 4) -> Path:
    """Matroska without an index, whose times can be rewritten."""
    path = folder / "live.mkv"
    return clip(path, *options, "-f", "matroska", "-live", 1, seconds=seconds)


def escaped(rule: str) -> str:
    return rule.replace(",", r"\,")


def twice(suffix: str, *options: object, **given) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        one = part(folder, suffix, *options, **given)
        return joined(folder, one, one)

    return make


def jump(
    seconds: float, *options: object, at: float = 2.3, length: float = 4
) -> Callable[[Path], Path]:
    """Matroska of so many seconds whose times jump."""

    def make(folder: Path) -> Path:
        def change(_: int, __: int, time: int) -> int:
            return time + (round(1000 * seconds) if time >= 1000 * at else 0)

        source = live(folder, *options, seconds=length)
        return retimed_matroska(source, folder / "jump.mkv", change)

    return make


def jump_of_stream(seconds: float) -> Callable[[Path], Path]:
    """MPEG-TS whose times jump after 2.3 s."""

    def make(folder: Path) -> Path:
        def change(_: int, __: int, time: int) -> int:
            return time + (round(1000 * seconds) if time >= 1400 + 2300 else 0)

        source = part(folder, "ts", *B, *AAC, seconds=4)
        return retimed_stream(source, folder / "jump.ts", change)

    return make


def outlier(track: int, seconds: float, *options: object) -> Callable[[Path], Path]:
    """Matroska in which one packet has a wrong time."""

    def make(folder: Path) -> Path:
        def change(which: int, number: int, time: int) -> int:
            wrong = which == track and number == 52
            return time + round(1000 * seconds) if wrong else time

        return retimed_matroska(live(folder, *options), folder / "outlier.mkv", change)

    return make


def outlier_of_stream(track: int, seconds: float, number: int) -> Callable[[Path], Path]:
    """MPEG-TS in which one packet has a wrong time."""

    def make(folder: Path) -> Path:
        def change(which: int, count: int, time: int) -> int:
            return time + round(1000 * seconds) if (which, count) == (track, number) else time

        source = part(folder, "ts", *B, *AAC, seconds=4)
        return retimed_stream(source, folder / "outlier.ts", change)

    return make


def drift(factor: float) -> Callable[[Path], Path]:
    """Sound whose clock runs slower by ``factor``, and packets that say so."""

    def make(folder: Path) -> Path:
        rate = round(48_000 / factor)
        source = part(folder, "mkv", *B, *PCM, "-af", "asetrate=48000", seconds=4, rate=rate)
        return copied(source, "drift.mkv", "-bsf:a", f"setts=ts=TS*{48_000 / rate}")

    return make


def jitter(folder: Path) -> Path:
    """Sound whose packets say when they arrived, up to 30 ms too late."""

    def change(track: int, number: int, time: int) -> int:
        return time + (7 * number**2 % 31 if track == 2 else 0)

    return retimed_matroska(live(folder, *LOW, *AAC), folder / "jitter.mkv", change)


def lost_packets(suffix: str, every: int, *sound: object) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        source = part(folder, "mkv", *B, *sound, seconds=4)
        rule = f"noise=drop=not(mod(n+3,{every}))"
        return copied(source, f"lost.{suffix}", "-bsf:a", escaped(rule))

    return make


def damaged_sound(*sound: object, amount: int = 30, every: int = 9) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        source = part(folder, "mkv", *B, *sound, "-b:a", "96k", seconds=4)
        rule = f"noise=amount={amount}*not(mod(n,{every}))"
        return copied(source, "damaged.mkv", "-bsf:a", escaped(rule))

    return make


def lost_in_stream(folder: Path) -> Path:
    source = part(folder, "ts", *B, *AAC, "-b:a", "128k", seconds=4)
    return without_packets(source, folder / "lossy.ts", 17)


def other_layout(folder: Path) -> Path:
    one = part(folder, "ts", *B, *AC3, "-ac", 2, "-b:a", "192k")
    other = part(folder, "ts", *B, *AC3, "-ac", 6, "-b:a", "192k", "-output_ts_offset", 2)
    return joined(folder, one, other)


def overlapping(folder: Path) -> Path:
    """Parts whose times overlap, the sound's by less than the pictures'."""
    one = part(folder, "ts", *B, *AC3, "-ac", 2, seconds=1.88)
    other = part(folder, "ts", *B, *AC3, "-ac", 6, "-output_ts_offset", 1.8)
    return joined(folder, one, other)


def other_rate(folder: Path) -> Path:
    one = part(folder, "ts", *B, *MP2, "-ar", 44100)
    other = part(folder, "ts", *B, *MP2, "-ar", 48000, "-output_ts_offset", 2)
    return joined(folder, one, other)


def wrap(folder: Path) -> Path:
    source = part(folder, "mp4", *B, *AAC, seconds=3)
    # 33 bits of 90 kHz end 1.4 s after its beginning.
    return copied(source, "wrap.ts", "-output_ts_offset", 2**33 / 90_000 - 1.5 - 1.4)


def late(folder: Path) -> Path:
    return copied(part(folder, "mp4", *B, *AAC), "late.ts", "-output_ts_offset", 90_000)


def negative(folder: Path) -> Path:
    options = ("-output_ts_offset", -0.7, "-avoid_negative_ts", "disabled", "-muxdelay", 0)
    return copied(part(folder, "mp4", *B, *AAC), "negative.ts", *options)


def sound_later(folder: Path) -> Path:
    return copied(part(folder, "mkv", *B, *AAC, seconds=3), "later.mp4", "-ss:a", 1)


def cut_by_copy(suffix: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        source = part(folder, "mp4", *B, *AAC, seconds=4)
        return copied(source, f"cut.{suffix}", before=("-ss", "1.3"))

    return make


def middle_of_group(folder: Path) -> Path:
    source = part(folder, "ts", *B, *AAC, seconds=4)
    path = folder / "middle.ts"
    data = source.read_bytes()
    path.write_bytes(data[len(data) // 3 // 188 * 188 :])
    return path


def pictures_later(suffix: str) -> Callable[[Path], Path]:
    """Pictures that begin after two flashes' time; their flashes are those of later clicks."""

    def make(folder: Path) -> Path:
        source = part(folder, "mp4", *B, *AAC, seconds=4)
        path = folder / f"pictures.{suffix}"
        ffmpeg("-itsoffset", 2 * PERIOD, "-i", source, "-i", source,
               "-map", "0:v", "-map", "1:a", "-c", "copy", path)  # fmt: skip
        return path

    return make


def packed_b_frames(folder: Path) -> Path:
    return packed(part(folder, "avi", *MPEG4, "-bf", 1, *MP3, seconds=3), folder / "packed.avi")


def sound_longer(folder: Path) -> Path:
    source = part(folder, "mp4", *B, *AAC, seconds=2)
    long = part(folder, "mp4", *B, *AAC, seconds=5)
    path = folder / "longer.mp4"
    ffmpeg("-i", source, "-i", long, "-map", "0:v", "-map", "1:a", "-c", "copy", path)
    return path


def different_streams(folder: Path) -> Path:
    """The sound of the first part ends a second after its pictures."""
    one = copied(part(folder, "mp4", *B, *AAC, seconds=2), "one.ts")
    long = part(folder, "mp4", *B, *AAC, seconds=3)
    both = folder / "both.ts"
    ffmpeg("-i", one, "-i", long, "-map", "0:v", "-map", "1:a", "-c", "copy", both)
    return joined(folder, both, one)


#: Recordings in which something is wrong, and the milliseconds within which both come out.
DEVIANT: dict[str, tuple[float, Callable[[Path], Path]]] = {
    "MPEG-TS joined (H.264 with B-frames, AAC)": (20, twice("ts", *B, *AAC)),
    "MPEG-TS joined (MPEG-2, MP2)": (20, twice("ts", *MPEG2, *MP2)),
    "MPEG-TS joined, sound longer than pictures": (20, different_streams),
    "VOB joined (MPEG-2, AC-3)": (20, twice("vob", *MPEG2, *AC3)),
    "MPEG-PS joined (MPEG-1, MP2)": (20, twice("mpg", "-c:v", "mpeg1video", "-q:v", 3, *MP2)),
    "Ogg chained (Theora, Vorbis)": (20, twice("ogv", "-c:v", "libtheora", "-q:v", 7, *VORBIS)),
    "MPEG-TS that begins at 90000 s": (5, late),
    "MPEG-TS whose 33 bits wrap": (5, wrap),
    "MPEG-TS that begins in a group": (5, middle_of_group),
    "MPEG-TS whose times jump ahead by 50000 s": (20, jump_of_stream(50_000)),
    "MPEG-TS whose times jump back by 1 s": (20, jump_of_stream(-1)),
    "Matroska whose times jump back by 1.8 s": (20, jump(-1.8, *LOW, *AAC)),
    "Matroska whose times jump back, B-frames": (20, jump(-2, *B, *AAC)),
    "Matroska with a pause of an hour": (5, jump(3600, *B, *AAC)),
    "Matroska with a pause of 3 s": (5, jump(3, *B, *OPUS)),
    "Matroska with a gap of 0.4 s": (5, jump(0.4, *B, *AAC)),
    "Matroska with a gap of 0.06 s": (5, jump(0.06, *B, *MP3)),
    "Matroska, one sound packet 100 s ahead": (20, outlier(2, 100, *LOW, *AAC)),
    "Matroska, one sound packet 1 s back": (20, outlier(2, -1, *LOW, *AAC)),
    "Matroska, one picture 100 s ahead": (20, outlier(1, 100, *LOW, *AAC)),
    "Matroska, one picture 100 s ahead, B-frames": (20, outlier(1, 100, *B, *AAC)),
    "MPEG-TS, one sound packet 100 s ahead": (20, outlier_of_stream(2, 100, 12)),
    "MPEG-TS, one picture 1000 s ahead": (20, outlier_of_stream(1, 1000, 52)),
    "MPEG-TS that begins at −0.7 s": (5, negative),
    "Matroska, sound 2 % slow": (5, drift(1.02)),
    "Matroska, sound 2 % fast": (5, drift(0.98)),
    "Matroska, sound 0.1 % slow": (5, drift(1.001)),
    "Matroska, sound with times of arrival": (20, jitter),
    "Matroska, AAC packets lost": (20, lost_packets("mkv", 17, *AAC)),
    "MPEG-TS, AAC packets lost": (20, lost_in_stream),
    "FLV, AAC packets lost": (20, lost_packets("flv", 17, *AAC)),
    "Matroska, PCM packets lost": (20, lost_packets("mkv", 17, *PCM)),
    "Matroska, Opus packets lost": (20, lost_packets("mkv", 17, *OPUS)),
    "Matroska, AAC damaged": (20, damaged_sound(*AAC)),
    "Matroska, MP3 damaged": (20, damaged_sound(*MP3)),
    "Matroska, AC-3 damaged": (20, damaged_sound(*AC3, every=11)),
    "Matroska, Vorbis damaged": (20, damaged_sound(*VORBIS)),
    "Matroska, FLAC damaged": (20, damaged_sound(*FLAC, amount=900)),
    "MPEG-TS, stereo then six channels": (5, other_layout),
    "MPEG-TS joined, times that overlap by 0.12 s": (5, overlapping),
    "MPEG-TS, 44.1 then 48 kHz": (5, other_rate),
    "MP4, sound that begins after a second": (5, sound_later),
    "MP4, pictures that begin after 1.2 s": (5, pictures_later("mp4")),
    "MPEG-TS, pictures that begin after 1.2 s": (5, pictures_later("ts")),
    "MP4, sound 3 s longer than pictures": (5, sound_longer),
    "Matroska joined (H.264 with B-frames, AAC)": (20, twice("mkv", *B, *AAC)),
    "AVI, MPEG-4 with packed B-frames, MP3": (5, packed_b_frames),
    "MP4 cut without coding (edit list)": (5, cut_by_copy("mp4")),
    "MOV cut without coding (edit list)": (5, cut_by_copy("mov")),
    "Matroska cut without coding": (5, cut_by_copy("mkv")),
}


def whole(name: str, folder: Path) -> Path:
    suffix, options = WHOLE[name]
    return clip(folder / f"whole.{suffix}", *options)


#: Those whose files themselves say that sound comes later, or earlier: as ffmpeg plays them.
AS_FFMPEG = {name for name in DEVIANT if "cut without" in name or "packed" in name}


def deviation(path: Path) -> tuple[float, int]:
    """Most milliseconds by which a click is off its flash, and how many pairs there are.

    A click that lies wrong counts as far as half of the time between two.
    """
    flash, click = seen_and_heard(path)
    off = errors(flash, click)
    return (max(off, key=abs) if off else 500 * PERIOD), len(off)


def _row(name: str, path: Path) -> str:
    """What comes out of this checkout, and of ffmpeg; in brackets how many flashes have a click."""
    try:
        mine, pairs = deviation(path)
        told = f"{mine:+.1f} ({pairs})"
    except Exception as error:
        told = f"{type(error).__name__}"
    reference = errors(*as_ffmpeg(path))
    theirs = f"{max(reference, key=abs):+.1f} ({len(reference)})" if reference else "—"
    return f"| {name} | {told} | {theirs} |"


if __name__ == "__main__":
    av.logging.set_level(av.logging.PANIC)
    wanted = sys.argv[1:]
    with tempfile.TemporaryDirectory() as place:
        makers = {name: (lambda f, n=name: whole(n, f)) for name in WHOLE}
        makers |= {name: make for name, (_, make) in DEVIANT.items()}
        for number, (name, make) in enumerate(makers.items()):
            if all(word in name for word in wanted):
                folder = Path(place) / str(number)
                folder.mkdir()
                print(_row(name, make(folder)), flush=True)
