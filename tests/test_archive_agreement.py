"""Files of an archive against the packets of their sources: what is lost is found and said."""

from __future__ import annotations

import json
import sqlite3
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from archives import FAST, entries
from conftest import run_gvc, write_clip
from paired_fields import write_fields
from recordings import ffmpeg

from gvc.api.transcode import encode
from gvc.archive import quality, work
from gvc.archive.account import Account, SoundAccount, difference
from gvc.archive.agreement import disagreement
from gvc.archive.archive import Archive
from gvc.archive.coded_survey import survey_coded
from gvc.archive.deletion import delete_source
from gvc.archive.entry import Entry, Form, State, Verification
from gvc.archive.files import hash_of, stamp_of
from gvc.archive.manifest import MANIFEST_NAME, Manifest
from gvc.archive.observer import Observer
from gvc.archive.packet_survey import survey_packets
from gvc.archive.planning import Planner
from gvc.archive.recipe import Options, Recipe, Redo
from gvc.archive.run import Run
from gvc.archive.task import OnStep, Task
from gvc.archive.timekeeping import GAP, Timekeeper
from gvc.archive.walk import named_roots, walk
from gvc.codec.settings import EncoderSettings
from gvc.errors import MediaError
from gvc.media import AudioMode, Source

SETTINGS = EncoderSettings.of_preset("faster", size=64, threads=1)
FULL = Recipe(SETTINGS, verification=Verification.FULL)

#: Frames of a clip; it lasts 0.8 s.
FRAMES = 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a clip, as MP4 and as a transport stream, and half of it."""
    folder = tmp_path_factory.mktemp("clips")
    write_clip(folder / "whole.mp4", width=64, height=64, frames=FRAMES)
    write_clip(folder / "half.mp4", width=64, height=64, frames=FRAMES // 2)
    write_clip(folder / "part.ts", width=64, height=64, frames=FRAMES)
    part = (folder / "part.ts").read_bytes()
    (folder / "joined.ts").write_bytes(part + part)
    ffmpeg(
        *("-i", folder / "whole.mp4", "-map", "0", "-c:v", "copy", "-af", "atrim=end=0.4"),
        folder / "quiet.mp4",
    )
    ffmpeg("-i", folder / "whole.mp4", "-an", "-c", "copy", folder / "silent.mp4")
    return folder


def code(source: Path, target: Path, audio: AudioMode = AudioMode.OPUS) -> Path:
    with target.open("wb") as file:
        encode(source, file, settings=SETTINGS, audio=audio)
    return target


def found(source: Path, made: Path, audio: AudioMode = AudioMode.OPUS) -> str | None:
    return disagreement(source, made, form=Form.GVC, audio=audio)


def test_packets_say_what_a_recording_holds(folder):
    account = survey_packets(folder / "whole.mp4")
    assert (account.pictures, account.uncertain, account.joins) == (FRAMES, 0, 0)
    assert account.seconds == pytest.approx(0.8)
    assert account.sound is not None
    assert account.sound.start == pytest.approx(0, abs=0.001)
    # Samples are written in frames of 1024, of which the last is cut off.
    assert account.sound.seconds == pytest.approx(0.8, abs=0.001)
    assert survey_packets(folder / "whole.mp4", sound=False).sound is None
    assert survey_packets(folder / "silent.mp4").sound is None


def test_joined_recordings_are_added_up(folder):
    one, two = survey_packets(folder / "part.ts"), survey_packets(folder / "joined.ts")
    assert (one.pictures, two.pictures) == (FRAMES, 2 * FRAMES)
    assert two.joins == 1
    assert two.seconds == pytest.approx(2 * one.seconds, abs=one.frame * (1 + two.uncertain))
    assert one.sound is not None
    assert two.sound is not None
    assert two.sound.seconds == pytest.approx(2 * one.sound.seconds, abs=0.001)
    assert two.sound.start == pytest.approx(one.sound.start, abs=0.001)


def test_half_of_a_recording_is_found_out(folder, tmp_path):
    made = code(folder / "part.ts", tmp_path / "half.gvc")
    assert found(folder / "part.ts", made) is None
    text = found(folder / "joined.ts", made)
    assert text is not None
    assert f"{FRAMES} pictures, not " in text
    assert "0.800 s of pictures, not 1.600 s" in text
    assert "s of sound, not 1." in text


@pytest.mark.parametrize(
    ("name", "audio"),
    [
        ("whole.mp4", AudioMode.OPUS),
        ("whole.mp4", AudioMode.COPY),
        ("whole.mp4", AudioMode.NONE),
        ("silent.mp4", AudioMode.OPUS),
        ("quiet.mp4", AudioMode.OPUS),
    ],
)
def test_what_is_right_agrees(name, audio, folder, tmp_path):
    assert found(folder / name, code(folder / name, tmp_path / "a.gvc", audio), audio) is None


#: Containers and codecs, and options that make ffmpeg write them.
KINDS = {
    "b-frames.mp4": ("-c:v", "libx264", "-bf", "2", "-c:a", "aac"),
    "mpeg4.avi": ("-c:v", "mpeg4", "-bf", "2", "-c:a", "libmp3lame"),
    "vp8.webm": ("-c:v", "libvpx", "-auto-alt-ref", "1", "-lag-in-frames", "8", "-c:a", "libopus"),
    "mpeg2.vob": ("-c:v", "mpeg2video", "-bf", "2", "-c:a", "ac3"),
    "flash.flv": ("-c:v", "flv", "-c:a", "libmp3lame"),
    "theora.ogv": ("-c:v", "libtheora", "-c:a", "libvorbis"),
    "open.ts": ("-c:v", "libx264", "-x264-params", "open-gop=1:keyint=10", "-c:a", "mp2"),
    "late.mkv": ("-c:v", "libx264", "-output_ts_offset", "3", "-c:a", "aac"),
    "uneven.mkv": (
        *("-vf", "select=mod(n\\,3)", "-fps_mode", "vfr", "-c:v", "libx264", "-c:a", "flac"),
    ),
}


@pytest.mark.parametrize("name", KINDS)
def test_packets_of_many_kinds_agree_with_what_is_coded(name, folder, tmp_path):
    source = tmp_path / name
    # A picture is at least 16 pixels wide for every codec, and 64 are quick.
    ffmpeg("-i", folder / "whole.mp4", "-ar", "48000", *KINDS[name], source)
    assert found(source, code(source, tmp_path / "a.gvc")) is None


def test_sound_that_ends_half_way_is_found_out(folder, tmp_path):
    made = code(folder / "quiet.mp4", tmp_path / "quiet.gvc")
    text = found(folder / "whole.mp4", made)
    assert text is not None
    assert "s of sound, not 0.8" in text
    assert "pictures" not in text
    # The other way round it is too much.
    more = found(folder / "quiet.mp4", code(folder / "whole.mp4", tmp_path / "whole.gvc"))
    assert more is not None
    assert "s of sound, not 0.4" in more
    none = code(folder / "whole.mp4", tmp_path / "none.gvc", AudioMode.NONE)
    assert found(folder / "whole.mp4", none) == "no sound, not 0.800 s"
    assert found(folder / "silent.mp4", made) == "0.420 s of sound, not none"


def test_sound_that_became_silence_is_found_out(folder, tmp_path):
    """Packets agree; what is in them does not."""
    tone, lost = tmp_path / "tone.mp4", tmp_path / "lost.mp4"
    arguments = ("-i", folder / "whole.mp4", "-f", "lavfi", "-i", "sine=d=2")
    arguments = (*arguments, "-map", "0:v", "-map", "1:a", "-c:v", "copy")
    ffmpeg(*arguments, tone)
    ffmpeg(*arguments, "-af", "volume=0:enable='gte(t,1)'", lost)
    right, wrong = code(tone, tmp_path / "right.gvc"), code(lost, tmp_path / "wrong.gvc")
    form, audio = Form.GVC, AudioMode.OPUS
    assert disagreement(tone, right, form=form, audio=audio, listen=True) is None
    assert disagreement(tone, wrong, form=form, audio=audio) is None
    text = disagreement(tone, wrong, form=form, audio=audio, listen=True)
    assert text is not None
    assert "s of sound is as loud as 2.0" in text
    # More channels become softer.
    many = tmp_path / "many.mkv"
    ffmpeg(*arguments, "-af", "pan=7.1|FC=c0", "-c:a", "flac", many)
    made = code(many, tmp_path / "many.gvc")
    assert disagreement(many, made, form=form, audio=audio, listen=True) is None
    assert disagreement(many, wrong, form=form, audio=audio, listen=True) is not None


SOUND = SoundAccount(start=0.1, seconds=4.0, gaps=0.0, end=0.1, packet=0.02)
ACCOUNT = Account(100, 0, 4.0, 0.0, 0.04, 0, vague=False, sound=SOUND)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"start": 0.119}, None),
        ({"start": 0.121}, "sound begins 21 ms too late"),
        ({"start": 0.079}, "sound begins 21 ms too early"),
        # Silence from the first picture on.
        ({"start": 0.0, "seconds": 4.1}, None),
        ({"start": 0.0}, "3.900 s of sound, not 4.000 s"),
        ({"seconds": 3.971}, None),
        ({"seconds": 3.969}, "3.969 s of sound, not 4.000 s"),
        ({"seconds": 4.071}, "4.071 s of sound, not 4.000 s"),
        ({"end": 0.069}, "sound ends 31 ms too early"),
        ({"end": 0.171}, "sound ends 71 ms too late"),
    ],
)
def test_bounds_of_sound(change, said):
    made = replace(ACCOUNT, sound=replace(SOUND, **change))
    text = difference(ACCOUNT, made, sound=True)
    assert text == said if said is None else said in text
    assert difference(ACCOUNT, made, sound=False) is None


def test_silence_between_joined_pieces_is_no_sound_too_much():
    made = replace(ACCOUNT, sound=replace(SOUND, seconds=4.0))
    half = replace(ACCOUNT, sound=replace(SOUND, seconds=2.0))
    assert difference(half, made, sound=True) is not None
    joined = replace(half, joins=1, sound=replace(SOUND, seconds=2.0, joins=1))
    assert difference(joined, made, sound=True) is None


def test_decoders_that_hold_sound_back_at_first_are_allowed_for():
    late = replace(ACCOUNT, sound=replace(SOUND, start=0.18, seconds=3.95, end=0.13))
    assert difference(ACCOUNT, late, sound=True) is not None
    held = replace(ACCOUNT, sound=replace(SOUND, held_back=0.08))
    assert difference(held, late, sound=True) is None
    early = replace(ACCOUNT, sound=replace(SOUND, start=0.05))
    assert difference(held, early, sound=True) is not None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"pictures": 99}, "99 pictures, not 100"),
        ({"pictures": 101}, "101 pictures, not 100"),
        ({"seconds": 4.04}, None),
        ({"seconds": 4.05}, "4.050 s of pictures, not 4.000 s"),
        ({"seconds": 3.95}, "3.950 s of pictures, not 4.000 s"),
    ],
)
def test_bounds_of_pictures(change, said):
    assert difference(ACCOUNT, replace(ACCOUNT, **change), sound=True) == said
    # What decoders may leave out does not matter.
    uncertain = replace(ACCOUNT, uncertain=1)
    if change == {"pictures": 99}:
        assert difference(uncertain, replace(ACCOUNT, **change), sound=True) is None


def kept(*packets: tuple[float, float], discontinuous: bool = False) -> Timekeeper:
    times = Timekeeper(discontinuous=discontinuous, gap=GAP)
    for start, lasts in packets:
        times.begins_anew(start)
        times.lasts(lasts)
        times.show(start, start + lasts)
    return times


def run_of(start: float, count: int = 10) -> list[tuple[float, float]]:
    return [(start + number * 0.04, 0.04) for number in range(count)]


def test_times_are_added_up_across_gaps_and_new_beginnings():
    pause = kept(*run_of(0), *run_of(3600))
    assert (pause.joins, pause.jumps) == (0, 0)
    assert pause.seconds == pytest.approx(0.8)
    assert pause.gaps == pytest.approx(3599.6)
    back = kept(*run_of(100), *run_of(5))
    assert (back.joins, back.gaps) == (1, 0)
    assert (back.start, back.end) == (100, pytest.approx(5.4))
    assert back.seconds == pytest.approx(0.8)
    jump = kept(*run_of(0), *run_of(3600), discontinuous=True)
    assert (jump.joins, jump.jumps) == (1, pytest.approx(3599.6))
    assert jump.seconds == pytest.approx(0.8)
    outlier = kept(*run_of(0), (90000.0, 0.04), *run_of(0.44), discontinuous=True)
    assert outlier.seconds == pytest.approx(0.84)
    assert kept().start is None


def write_long(path: Path, packets: int) -> Path:
    """Many pictures that nobody has to code."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("rawvideo", rate=25)
        stream.width = stream.height = 16
        stream.pix_fmt = "gray"
        for number in range(packets):
            packet = av.Packet(bytes(256))
            packet.pts = packet.dts = number
            packet.duration, packet.time_base = 1, Fraction(1, 25)
            packet.stream, packet.is_keyframe = stream, True
            container.mux(packet)
    return path


def test_memory_does_not_grow_with_a_recording(tmp_path):
    peaks = []
    for packets in (500, 20_000):
        path = write_long(tmp_path / f"{packets}.nut", packets)
        tracemalloc.start()
        assert survey_packets(path).pictures == packets
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 100_000


class Here:
    """Does tasks in this process."""

    def run(self, tasks: Iterator[Task], on_step: OnStep) -> Iterator[tuple[Task, object]]:
        """See :class:`gvc.archive.task.Engine`."""
        for task in tasks:
            yield task, task.run(lambda step, task=task: on_step(task, step))


def archive_here(source: Path, folder: Path, *, recipe: Recipe = FULL) -> Run:
    """A run that deletes sources, in this process."""
    folder.mkdir(exist_ok=True)
    with Manifest(folder, writable=True) as manifest:
        run = Run(folder, manifest, recipe, deleting=True, observer=Observer())
        known = {entry.name: entry for entry in manifest.entries()}
        planner = Planner(
            folder,
            known,
            settings=recipe.canonical,
            redo=Redo.CHANGED,
            check=False,
            rehash=False,
        )
        roots = named_roots([source], folder)
        run.carry_out(planner.plan(roots, walk(roots, folder)), Here())
    return run


def tree(folder: Path, *files: Path) -> Path:
    folder.mkdir()
    for file in files:
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


@pytest.fixture
def blind(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Makes the reader take another file for the source, for coding and for verifying."""

    def take(other: Path) -> None:
        def coding(_: Path, *arguments: object, **options: object) -> object:
            return encode(other, *arguments, **options)

        def verifying(_: quality.Comparison, path: Path) -> Source:
            return Source(other, audio=AudioMode.NONE, threads=1)

        monkeypatch.setattr(work, "encode", coding)
        monkeypatch.setattr(quality.Comparison, "_opened", verifying)

    return take


@pytest.mark.parametrize(
    ("other", "said"),
    [("half.mp4", "10 pictures, not 20"), ("quiet.mp4", "s of sound, not 0.800 s")],
)
def test_a_source_survives_a_reader_that_loses_half_of_it(other, said, folder, blind, tmp_path):
    source = tree(tmp_path / "talks", folder / "whole.mp4")
    blind(folder / other)
    report = archive_here(source, tmp_path / "archive").report
    (entry,) = report.coded
    assert report.differing == [entry]
    assert (entry.state, entry.verification) == (State.DONE, Verification.FULL)
    assert entry.surveyed
    assert said in entry.difference
    assert (source / "whole.mp4").exists()
    assert report.deleted == 0
    # The next run says it again, and keeps it again.
    again = archive_here(source, tmp_path / "archive").report
    assert ([each.name for each in again.differing], again.skipped) == ([entry.name], 1)
    assert (source / "whole.mp4").exists()


def test_a_source_that_agrees_is_deleted(folder, tmp_path):
    source = tree(tmp_path / "talks", folder / "whole.mp4")
    report = archive_here(source, tmp_path / "archive").report
    (entry,) = report.coded
    assert (entry.surveyed, entry.difference, report.differing) == (True, None, [])
    assert (report.deleted, list(source.iterdir())) == (1, [])


def test_packets_are_compared_however_little_is_verified(folder, blind, tmp_path):
    source = tree(tmp_path / "talks", folder / "whole.mp4")
    blind(folder / "half.mp4")
    recipe = Recipe(SETTINGS, verification=Verification.NONE)
    (entry,) = archive_here(source, tmp_path / "archive", recipe=recipe).report.differing
    assert "10 pictures, not 20" in entry.difference


def old_entry(folder: Path, source: Path, made: Path) -> Entry:
    """An entry of an archive whose files were not compared with packets."""
    target = folder / "talks" / f"{source.name}.gvc"
    target.parent.mkdir(parents=True)
    target.write_bytes(made.read_bytes())
    size, mtime_ns = stamp_of(source)
    return Entry(
        name=Path("talks") / source.name,
        source=source,
        source_size=size,
        source_mtime_ns=mtime_ns,
        source_hash=hash_of(source),
        state=State.DONE,
        settings=FULL.canonical,
        form=Form.GVC,
        target=target.relative_to(folder),
        target_size=target.stat().st_size,
        target_mtime_ns=target.stat().st_mtime_ns,
        target_hash=hash_of(target),
        verification=Verification.FULL,
    )


def test_files_of_older_archives_are_compared_before_a_source_is_deleted(folder, tmp_path):
    source = tree(tmp_path / "talks", folder / "whole.mp4") / "whole.mp4"
    wrong = code(folder / "half.mp4", tmp_path / "half.gvc")
    entry = old_entry(tmp_path / "one", source, wrong)
    with pytest.raises(MediaError, match="differs from it: 10 pictures, not 20"):
        delete_source(entry, tmp_path / "one")
    assert source.exists()
    right = code(source, tmp_path / "whole.gvc")
    delete_source(old_entry(tmp_path / "two", source, right), tmp_path / "two")
    assert not source.exists()


def downgrade(folder: Path) -> None:
    """Make a manifest one of version 1."""
    with sqlite3.connect(folder / MANIFEST_NAME) as sql:
        sql.execute("ALTER TABLE files DROP COLUMN surveyed")
        sql.execute("ALTER TABLE files DROP COLUMN difference")
        sql.execute("PRAGMA user_version = 1")
    sql.close()


def test_older_manifests_are_read_and_taken_over(folder, tmp_path):
    source = tree(tmp_path / "talks", folder / "whole.mp4")
    archive = tmp_path / "archive"
    entry = old_entry(archive, source / "whole.mp4", code(folder / "whole.mp4", tmp_path / "a.gvc"))
    with Manifest(archive, writable=True) as manifest:
        manifest.put(entry)
    downgrade(archive)
    with Manifest(archive) as manifest:
        assert manifest.entries() == [entry]
        assert manifest.get(entry.name) == entry
    verified = run_gvc("verify", archive)
    assert verified.returncode == 0, verified.stderr
    assert b"whole.mp4" in run_gvc("ls", archive).stdout
    changed = replace(entry, surveyed=True, difference="half of it")
    for _ in range(2):
        with Manifest(archive, writable=True) as manifest:
            manifest.put(changed)
        with Manifest(archive) as manifest:
            assert manifest.entries() == [changed]


def test_what_differs_is_said_everywhere(folder, tmp_path):
    source = tree(tmp_path / "talks", folder / "whole.mp4")
    archive = tmp_path / "archive"
    entry = old_entry(archive, source / "whole.mp4", code(folder / "half.mp4", tmp_path / "a.gvc"))
    entry = replace(entry, surveyed=True, difference="10 pictures, not 20")
    with Manifest(archive, writable=True) as manifest:
        manifest.put(entry)
    said = "differs from its source: 10 pictures, not 20"
    assert said in run_gvc("ls", archive, "--failed").stdout.decode()
    (listed,) = map(json.loads, run_gvc("ls", archive, "--json").stdout.splitlines())
    assert (listed["surveyed"], listed["difference"]) == (True, "10 pictures, not 20")
    again = run_gvc("archive", source, archive, "-q", *FAST)
    assert (again.returncode, said in again.stderr.decode()) == (3, True)
    run_gvc("report", archive, "-o", tmp_path / "page.html", "--details", 0)
    assert "Different from their sources" in (tmp_path / "page.html").read_text()
    # It is coded again where that is asked for.
    done = run_gvc("archive", source, archive, "--redo", "different", "--json", *FAST)
    assert done.returncode == 0, done.stderr
    assert (entries(archive)["talks/whole.mp4"].difference, done.stderr) == (None, b"")
    plan = Archive(archive).plan([source], Recipe(SETTINGS), Options(redo=Redo.DIFFERENT))
    assert (plan.todo, len(plan.skipped)) == ([], 1)


def test_pictures_before_the_first_key_frame_are_uncertain(folder, tmp_path):
    """A transport stream whose beginning is missing."""
    source = tmp_path / "long.ts"
    ffmpeg(*("-i", folder / "whole.mp4", "-an", "-c:v", "libx264", "-g", "10", "-bf", "2"), source)
    packets = np.frombuffer(source.read_bytes(), np.uint8).reshape(-1, 188)
    cut = tmp_path / "cut.ts"
    # Tables are repeated; the first key frame is lost.
    cut.write_bytes(packets[:3].tobytes() + packets[len(packets) // 3 :].tobytes())
    account = survey_packets(cut)
    assert 0 < account.uncertain < account.pictures < FRAMES
    made = survey_coded(code(cut, tmp_path / "cut.gvc"))
    assert account.pictures - account.uncertain <= made.pictures <= account.pictures


@pytest.mark.parametrize("ending", ["ts", "mp4", "mkv"])
def test_two_fields_are_one_picture(ending, tmp_path):
    bare = write_fields(tmp_path / "fields.h264", 12)
    source = tmp_path / f"fields.{ending}"
    # Camcorders have 50 fields a second.
    ffmpeg("-r", 50, "-i", bare, "-c", "copy", source)
    with av.open(str(source)) as container:
        assert sum(packet.size > 0 for packet in container.demux(video=0)) == 24
        container.seek(0)
        assert sum(1 for _ in container.decode(video=0)) == 12
    account = survey_packets(source)
    assert (account.pictures, account.uncertain) == (12, 0)
    assert found(source, code(source, tmp_path / "a.gvc")) is None


def test_transport_streams_are_verified_by_the_times_that_they_were_coded_by(tmp_path):
    """Sound moves the times of pictures; it begins before them here."""
    clip = write_clip(tmp_path / "clip.mp4", width=64, height=64, frames=FRAMES)
    source = tmp_path / "recordings"
    source.mkdir()
    late = source / "late.ts"
    ffmpeg("-itsoffset", "0.1", "-i", clip, "-i", clip, "-map", "0:v", "-map", "1:a", late)
    (source / "joined.ts").write_bytes(late.read_bytes() * 2)
    archive_here(source, tmp_path / "archive")
    assert not list(source.iterdir())
