"""What FFmpeg says of its failures: the last line of its log, in words that help."""

from __future__ import annotations

import logging
import subprocess
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import av
import pytest
from conftest import write_clip
from recordings import FFMPEG, read

from gvc.errors import GvcError, InvalidDataError, MediaError, UsageError, one_line
from gvc.media import AudioMode, Source, holds_video
from gvc.media.address import check_address, scheme_of
from gvc.media.ffmpeg_log import explained, explaining, reason_of


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    return write_clip(tmp_path_factory.mktemp("reasons") / "clip.mp4", frames=12)


def complaint(path: Path) -> str:
    with pytest.raises(GvcError) as raised, Source(path) as source:
        list(source)
    assert len(str(raised.value).splitlines()) == 1
    return str(raised.value)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".m4v"])
def test_a_recording_without_its_index_was_never_finished(suffix, clip, tmp_path):
    path = tmp_path / f"cut{suffix}"
    data = clip.read_bytes()
    path.write_bytes(data[: data.rindex(b"moov") - 4])
    assert "the recording was never finished (no moov)" in complaint(path)


@pytest.mark.parametrize("data", [b"dear diary\n" * 99, bytes(9), b"\x1aE\xdf\xa3" * 9])
def test_what_is_no_recording_is_not_called_one(data, tmp_path):
    path = tmp_path / "cut.mp4"
    path.write_bytes(data)
    text = complaint(path)
    assert "never finished" not in text
    path.write_bytes(b"")
    assert "is empty" in complaint(path)


@pytest.mark.parametrize("scheme", ["cenc-aes-ctr"])
def test_encrypted_recordings_are_called_encrypted(scheme, clip, tmp_path):
    path = tmp_path / "drm.mp4"
    # fmt: off
    command = [
        FFMPEG, "-v", "error", "-i", clip, "-c", "copy", "-encryption_scheme", scheme,
        "-encryption_key", "76a6c65c5ea762046bd749a2e632ccbb",
        "-encryption_kid", "a7e61c373e219033c21091fa607bf3b8", path,
    ]
    # fmt: on
    subprocess.run(command, check=True)
    assert "the recording is encrypted" in complaint(path)


def test_the_last_line_of_the_log_is_kept(tmp_path):
    """Whatever FFmpeg says where no words of ours are known."""
    path = tmp_path / "cut.mkv"
    path.write_bytes(bytes.fromhex("1a45dfa3 8b 4282 88") + b"matroska" + b"\x42\x87\x81\x02")
    text = complaint(path)
    assert "cut.mkv: " in text
    assert len(text) > len("cut.mkv: Invalid data found when processing input")


@pytest.mark.parametrize(
    ("lines", "cause"),
    [
        (["moov atom not found\n"], "the recording was never finished (no moov)"),
        (
            ["Specified pixel format gray is not supported by the prores encoder.\n", "  gray\n"],
            "the encoder prores does not take the pixel format gray",
        ),
        (["Error setting preset/tune odd/(null).\n"], "the encoder has no preset odd"),
        (["Something else\n", "and  more\n"], "Invalid argument: and more"),
        ([], "Invalid argument"),
    ],
)
def test_well_known_lines_are_translated(lines, cause):
    error = av.error.ArgumentError(22, "Invalid argument")
    assert reason_of(error, lines).cause == cause


def test_the_log_is_off_afterwards_and_nothing_is_printed(clip, tmp_path, capfd):
    assert av.logging.get_level() is None
    path = tmp_path / "cut.mp4"
    path.write_bytes(clip.read_bytes()[:3000])
    for _ in range(2):  # FFmpeg's own log would leave out the second, equal line.
        assert "never finished" in complaint(path)
    assert av.logging.get_level() is None
    assert av.logging.get_skip_repeated()
    assert capfd.readouterr() == ("", "")


def test_a_level_that_the_program_has_set_stays(clip, tmp_path):
    path = tmp_path / "cut.mp4"
    path.write_bytes(clip.read_bytes()[:3000])
    av.logging.set_level(av.logging.PANIC)
    try:
        complaint(path)
        read(clip)
        assert av.logging.get_level() == av.logging.PANIC
    finally:
        av.logging.set_level(None)


def test_what_goes_through_is_not_touched():
    with explaining("file"):
        pass
    with pytest.raises(BrokenPipeError), explaining("file"):
        raise BrokenPipeError
    with pytest.raises(UsageError, match="ours"), explaining("file"):
        raise UsageError("ours")
    with (
        pytest.raises(MediaError, match="file: audio: no such thing"),
        explaining("file", about="audio"),
    ):
        raise ValueError("no such thing")
    assert list(explained(iter([1, 2]), "file")) == [1, 2]


def test_damaged_recordings_can_be_read_in_threads(clip, tmp_path, caplog):
    """Decoders log in threads of their own, and files are closed while these are at work."""
    data = bytearray(clip.read_bytes())
    middle = data.index(b"mdat") + 400
    for at in range(middle, middle + 6000, 97):
        if at < data.rindex(b"moov") - 8:
            data[at] ^= 0xFF
    path = tmp_path / "damaged.mp4"
    path.write_bytes(data)

    def work() -> None:
        for count in range(6):
            try:
                with Source(path, audio=AudioMode.NONE, threads=4) as source:
                    for number, _ in enumerate(source):
                        if number == count:
                            break
            except GvcError:
                continue

    threads = [threading.Thread(target=work, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
    assert av.logging.get_level() is None
    with caplog.at_level(logging.DEBUG):
        assert not caplog.records


@pytest.mark.parametrize(
    ("name", "scheme"),
    [
        ("http://a/b.mp4", "http"),
        ("HTTPS://a", "https"),
        ("s3://a/b", "s3"),
        ("a:b.mp4", None),
        ("/a://b", None),
        ("c:\\a.mp4", None),
        ("-", None),
    ],
)
def test_addresses_are_told_from_names(name, scheme):
    assert scheme_of(name) == scheme


def test_a_file_with_the_name_of_an_address_is_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rtsp:").mkdir()
    (tmp_path / "rtsp:" / "a").touch()
    assert scheme_of("rtsp://a") is None
    with pytest.raises(UsageError, match="rtsp:// is not read"):
        check_address("rtsp://b")


def test_what_stands_at_an_address_is_read(clip):
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(clip.parent)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}/{clip.name}"
    try:
        with Source(address, audio=AudioMode.NONE) as source:
            assert source.name == address
            assert sum(1 for _ in source) == 12
        assert "404" in complaint(address + "x")  # type: ignore[arg-type]
    finally:
        server.shutdown()
        server.server_close()


def test_names_with_colons_and_patterns_are_names(clip, tmp_path):
    for name in ("2024-11-14T22:57:44+02:00.mp4", "file:a.mp4", "a%03d.mp4", "a?.mp4", "*.mp4"):
        path = tmp_path / name
        path.write_bytes(clip.read_bytes())
        assert holds_video(path)
        frames, source, _ = read(path)
        assert len(frames) == 12
        assert source.name == str(path)


def test_a_name_with_a_nul_is_refused():
    with pytest.raises(UsageError, match="NUL"):
        Source("a\0b")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\nb\tc  d", "a b c d"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\udcff", "a\\udcff"),
        ("\u202eabc", "\\u202eabc"),
        ("żółć 語 🙂", "żółć 語 🙂"),
    ],
)
def test_errors_are_one_line_that_any_terminal_shows(text, line):
    assert one_line(text) == line
    assert str(InvalidDataError("is odd", path=text)) == f"{line}: is odd"
