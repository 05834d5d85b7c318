"""The command line from outside: round trips, pipes, exit codes, bad input."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import imageio_ffmpeg
import pytest
from conftest import read_video, run_gvc, write_clip

import gvc
from gvc.media import DEFAULT_OPUS_BIT_RATE

GVC = [sys.executable, "-m", "gvc"]
FAST = ["--key-preset", "faster"]
FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()


def complaint(done: subprocess.CompletedProcess[bytes], code: int = 1) -> str:
    """The one line of a failed command."""
    text = done.stderr.decode()
    assert done.returncode == code, text
    assert "Traceback" not in text
    if code == 1:
        assert len(text.strip().splitlines()) == 1, text
    return text


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".nut", ".y4m"])
def test_round_trip(suffix, coded, tmp_path):
    target = tmp_path / f"out{suffix}"
    done = run_gvc("decode", coded, target)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    with av.open(str(target)) as container:
        kinds = [stream.type for stream in container.streams]
        assert kinds == (["video"] if suffix == ".y4m" else ["video", "audio"])
        stream = container.streams.video[0]
        assert stream.codec_context.name == ("rawvideo" if suffix in (".nut", ".y4m") else "h264")
        assert sum(1 for _ in container.decode(video=0)) == 20
    assert list(tmp_path.iterdir()) == [target]


def test_codec_and_crf_are_obeyed(coded, tmp_path):
    small, large, other = (tmp_path / name for name in ("small.mp4", "large.mp4", "other.mkv"))
    assert run_gvc("decode", coded, small, "--crf", 40, "--no-audio").returncode == 0
    assert run_gvc("decode", coded, large, "--crf", 8, "--no-audio").returncode == 0
    assert run_gvc("decode", coded, other, "--codec", "ffv1", "-v").returncode == 0
    assert small.stat().st_size < large.stat().st_size
    with av.open(str(other)) as container:
        assert container.streams.video[0].codec_context.name == "ffv1"
    complaint(run_gvc("decode", coded, tmp_path / "x.mkv", "--codec", "warp"), code=2)
    assert not (tmp_path / "x.mkv").exists()


def test_a_smaller_size_is_obeyed(coded, tmp_path):
    target = tmp_path / "small.mkv"
    done = run_gvc("decode", coded, target, "--size", 96)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    with av.open(str(target)) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (106, 88)
        assert sum(1 for _ in container.decode(video=0)) == 20
    assert "size" in complaint(run_gvc("decode", coded, tmp_path / "x.mkv", "--size", 8), code=2)
    assert not (tmp_path / "x.mkv").exists()


def test_info_adds_up(coded):
    done = run_gvc("info", coded, "--json")
    assert done.returncode == 0
    told = json.loads(done.stdout)
    assert sum(told["bytes"].values()) == told["size"] == coded.stat().st_size
    frames = told["video"]["frames"]
    assert frames["K"] == 3
    assert sum(frames.values()) == 20
    assert (told["video"]["width"], told["video"]["coded_width"]) == (192, 192)
    assert len(told["video"]["weights"]) == 32
    assert told["seconds"] == pytest.approx(0.8)
    assert told["audio"]["codec"] == "opus"
    human = run_gvc("info", coded)
    assert told["video"]["weights"] in human.stdout.decode()
    piped = run_gvc("info", "-", "--json", input=coded.read_bytes())
    assert json.loads(piped.stdout)["bytes"] == told["bytes"]


def test_sound_takes_what_the_help_says(coded):
    assert b"[16k]" in run_gvc("encode", "--help").stdout
    with gvc.open(coded) as container:
        assert container.header.audio.bit_rate == DEFAULT_OPUS_BIT_RATE == 16_000


def test_sound_that_a_format_cannot_hold_is_said(coded, tmp_path):
    target = tmp_path / "out.mov"
    done = run_gvc("decode", coded, target)
    assert done.returncode == 2
    assert b"mov cannot hold opus sound" in done.stderr
    assert b"--no-audio" in done.stderr
    assert not target.exists()
    assert run_gvc("decode", coded, target, "--no-audio").returncode == 0


def test_info_says_how_it_was_built():
    told = json.loads(run_gvc("info", "--build", "--json").stdout)
    assert told["native"] in (True, False)
    assert told["version"]


def test_y4m_pipes(clip, tmp_path):
    coded, shown = tmp_path / "piped.gvc", tmp_path / "shown.mp4"
    command = (
        f"'{FFMPEG}' -v error -i '{clip}' -f yuv4mpegpipe - "
        f"| {sys.executable} -m gvc encode - '{coded}' --key-preset faster "
        f"&& {sys.executable} -m gvc decode '{coded}' - "
        f"| '{FFMPEG}' -v error -f yuv4mpegpipe -i - '{shown}'"
    )
    done = subprocess.run(command, shell=True, capture_output=True, check=False, timeout=240)
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(read_video(shown)) == len(read_video(clip))


def test_nut_pipes_carry_sound(clip, tmp_path):
    shown = tmp_path / "shown.mkv"
    command = (
        f"'{FFMPEG}' -v error -i '{clip}' -f nut -c:v rawvideo -c:a pcm_s16le - "
        f"| {sys.executable} -m gvc encode - - --key-preset faster "
        f"| {sys.executable} -m gvc decode - - -f nut "
        f"| '{FFMPEG}' -v error -f nut -i - -c:a copy '{shown}'"
    )
    done = subprocess.run(command, shell=True, capture_output=True, check=False, timeout=240)
    assert (done.returncode, done.stderr) == (0, b"")
    with av.open(str(shown)) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]
        assert container.streams.audio[0].codec_context.name == "opus"


def test_a_closed_pipe_ends_quietly(coded):
    command = f"{sys.executable} -m gvc decode '{coded}' - | head -c 100 >/dev/null"
    command += "; exit ${PIPESTATUS[0]}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=False, timeout=240)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_and_leaves_nothing(number, tmp_path):
    clip = write_clip(tmp_path / "long.mp4", frames=200)
    target = tmp_path / "out" / "long.gvc"
    target.parent.mkdir()
    process = subprocess.Popen(
        [*GVC, "encode", clip, target], stderr=subprocess.PIPE,
        # Whoever runs the tests may ignore the signal (nohup does), and programs inherit that.
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    )  # fmt: skip
    while not list(target.parent.iterdir()):
        time.sleep(0.05)
    process.send_signal(number)
    assert b"Traceback" not in process.communicate(timeout=60)[1]
    assert process.returncode == 128 + number
    assert not list(target.parent.iterdir())


def test_closed_streams_are_no_crash(coded):
    for arguments, redirection, code, text in (
        ("info '{}'", ">&-", 0, ""),
        ("decode '{}' -", ">&-", 2, "standard output is closed"),
        ("encode - out.gvc", "<&-", 2, "standard input is closed"),
        ("info nothing.gvc", "2>&-", 1, ""),
    ):
        command = f"{sys.executable} -m gvc {arguments.format(coded)} {redirection}"
        done = subprocess.run(["bash", "-c", command], capture_output=True, check=False)
        assert (done.returncode, text in done.stderr.decode()) == (code, True), done
        assert b"Traceback" not in done.stderr


def test_existing_output_is_replaced_only_when_asked(clip, tmp_path):
    target = tmp_path / "out.gvc"
    target.write_bytes(b"precious")
    assert "exists" in complaint(run_gvc("encode", clip, target), code=2)
    assert target.read_bytes() == b"precious"
    assert run_gvc("encode", clip, target, "-y", *FAST).returncode == 0
    assert target.read_bytes()[:4] == b"\x8fGVC"


def test_output_must_not_be_input(coded):
    before = coded.read_bytes()
    link = coded.with_name("link.mp4")
    link.symlink_to(coded)
    try:
        assert "same file" in complaint(run_gvc("decode", coded, link, "-y"), code=2)
    finally:
        link.unlink()
    assert coded.read_bytes() == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["encode"],
        ["encode", "in.mp4", "out.gvc", "--key-qp", "64"],
        ["encode", "in.mp4", "out.gvc", "--size", "7"],
        ["encode", "in.mp4", "out.gvc", "--motion-step", "0"],
        ["encode", "in.mp4", "out.gvc", "--audio-bitrate", "fast"],
        ["encode", "in.mp4", "out.gvc", "--model", "nonesuch"],
        ["encode", "in.mp4", "out.mp4"],
        ["decode", "in.gvc", "out.xyz"],
        ["transmogrify"],
        ["info"],
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_2(arguments, tmp_path):
    if "--model" in arguments:
        write_clip(tmp_path / "in.mp4", frames=2, audio=False)
    complaint(run_gvc(*arguments, cwd=tmp_path), code=2)
    assert not {path.name for path in tmp_path.iterdir()} - {"in.mp4"}


def bad_source(kind: str, folder: Path) -> Path:
    path = folder / "source.mp4"
    if kind == "text":
        path.write_text("dear diary\n" * 100)
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "folder":
        path.mkdir()
    elif kind == "sound":
        whole = write_clip(folder / "whole.mp4", frames=10)
        subprocess.run([FFMPEG, "-v", "error", "-i", whole, "-vn", "-c", "copy", path], check=True)
        whole.unlink()
    elif kind == "no frames":
        whole = write_clip(folder / "whole.mp4", frames=10, audio=False)
        subprocess.run(
            [FFMPEG, "-v", "error", "-i", whole, "-frames:v", "0", "-c", "copy", path], check=False
        )
        whole.unlink()
    return path


@pytest.mark.parametrize("kind", ["missing", "text", "empty", "folder", "sound", "no frames"])
def test_bad_sources_are_one_line_and_leave_nothing(kind, tmp_path):
    source = bad_source(kind, tmp_path)
    text = complaint(run_gvc("encode", source, tmp_path / "out.gvc"))
    assert "source.mp4" in text
    assert not list(tmp_path.glob("*out.gvc*"))


def test_what_is_coded_already_is_said_so(coded, tmp_path):
    text = complaint(run_gvc("encode", coded, tmp_path / "out.gvc"))
    assert ".gvc file already" in text
    assert "gvc decode" in text
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["decode", "info"])
@pytest.mark.parametrize("kind", ["missing", "text", "empty", "short"])
def test_bad_gvc_files_are_one_line(command, kind, coded, tmp_path):
    source = tmp_path / "source.gvc"
    if kind != "missing":
        source.write_bytes(
            {"text": b"dear diary", "empty": b"", "short": coded.read_bytes()[:50]}[kind]
        )
    target = [tmp_path / "out.mp4"] if command == "decode" else []
    assert "source.gvc" in complaint(run_gvc(command, source, *target))
    assert not (tmp_path / "out.mp4").exists()


def test_a_cut_off_file_plays_up_to_its_last_whole_group(coded, tmp_path):
    cut, target = tmp_path / "cut.gvc", tmp_path / "out.mp4"
    cut.write_bytes(coded.read_bytes()[:-200])
    text = complaint(run_gvc("decode", cut, target))
    assert "cut off" in text
    assert len(read_video(target)) in (8, 16)
    assert "cut off" in complaint(run_gvc("info", cut))


def test_flipped_bits_are_found(coded, tmp_path):
    data = bytearray(coded.read_bytes())
    data[len(data) // 2] ^= 4
    flipped, target = tmp_path / "flipped.gvc", tmp_path / "out.mp4"
    flipped.write_bytes(data)
    assert "damaged" in complaint(run_gvc("decode", flipped, target))


@pytest.mark.skipif(os.geteuid() == 0 and not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_is_one_line(clip, coded, tmp_path):
    text = complaint(run_gvc("encode", clip, "/dev/full", "-y", *FAST))
    assert "/dev/full: " in text
    assert "No space left" in text

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))

    for command, source, target in (
        ("encode", clip, tmp_path / "out.gvc"),
        ("decode", coded, tmp_path / "out.mp4"),
    ):
        done = run_gvc(command, source, target, *(FAST if command == "encode" else []),
                       preexec_fn=limit)  # fmt: skip
        assert "out." in complaint(done)
        assert not list(tmp_path.iterdir())


def test_an_unwritable_target_is_one_line(clip, tmp_path):
    assert "nofolder" in complaint(run_gvc("encode", clip, tmp_path / "nofolder" / "out.gvc"))
    folder = tmp_path / "folder.gvc"
    folder.mkdir()
    assert "directory" in complaint(run_gvc("encode", clip, folder, "-y"))


def test_debug_shows_where(tmp_path):
    done = run_gvc("info", tmp_path / "none.gvc", "--debug")
    assert b"Traceback" in done.stderr


def test_progress_is_for_terminals(clip, tmp_path):
    """A pseudo-terminal sees frames a second; a pipe sees nothing."""
    import pty

    leader, follower = pty.openpty()
    target = tmp_path / "out.gvc"
    process = subprocess.Popen(
        [*GVC, "encode", clip, target, *FAST], stderr=follower, stdout=follower,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "120"},
    )  # fmt: skip
    os.close(follower)
    shown = b""
    while True:
        try:
            part = os.read(leader, 4096)
        except OSError:
            break
        if not part:
            break
        shown += part
    assert process.wait(timeout=60) == 0
    assert b"fps" in shown
    assert b"frame" in shown
