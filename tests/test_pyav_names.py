"""docs/pyav.md lists the names that PyAV has, and says of each whether it is here."""

from __future__ import annotations

import io
import re
from pathlib import Path

import av
import pytest
from av.container.streams import StreamContainer
from small_files import picture, reader, write_numbers, writer

#: The version whose names the page lists: others have a few more, or fewer.
LISTED = (18, 1)

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "pyav.md").read_text(encoding="utf-8")

THEIRS = {
    "InputContainer": av.container.InputContainer,
    "OutputContainer": av.container.OutputContainer,
    "StreamContainer": StreamContainer,
    "VideoStream, read": av.VideoStream,
    "VideoStream, written": av.VideoStream,
    "AudioStream, read": av.AudioStream,
    "AudioStream, written": av.AudioStream,
    "VideoCodecContext, read": av.VideoCodecContext,
    "VideoCodecContext, written": av.VideoCodecContext,
    "AudioCodecContext, read": av.AudioCodecContext,
    "Packet": av.Packet,
    "Codec": av.Codec,
    "ContainerFormat": av.ContainerFormat,
}


def listed(section: str) -> tuple[set[str], set[str]]:
    """Names with yes, and with no, of a section of the page."""
    text = PAGE.split(f"### {section}\n")[1].split("\n#")[0].strip().split("\n\n")[0]
    found: tuple[set[str], set[str]] = set(), set()
    for item in ("\n" + text).split("\n- ")[1:]:
        answer, names = item.split(":", 1)
        # A reason may name something, too.
        found[0 if answer == "Yes" else 1].update(re.findall(r"`(\w+)`", names))
    return found


@pytest.fixture(scope="module")
def ours():
    """Objects of a file that is read, and of one that is written, by section."""
    file = write_numbers(io.BytesIO(), 1, sound=True)
    with writer(io.BytesIO()) as output, reader(file) as container:
        video, audio = output.add_stream("gvc"), output.add_stream("libopus")
        output.mux(video.encode(picture(0)))
        yield {
            "InputContainer": container,
            "OutputContainer": output,
            "StreamContainer": container.streams,
            "VideoStream, read": container.streams.video[0],
            "VideoStream, written": video,
            "AudioStream, read": container.streams.audio[0],
            "AudioStream, written": audio,
            "VideoCodecContext, read": container.streams.video[0].codec_context,
            "VideoCodecContext, written": video.codec_context,
            "AudioCodecContext, read": container.streams.audio[0].codec_context,
            "Packet": next(container.demux(video=0)),
            "Codec": container.streams.video[0].codec,
            "ContainerFormat": container.format,
        }


@pytest.mark.parametrize("section", THEIRS)
def test_names_with_yes_are_here_and_others_are_not(section, ours):
    yes, no = listed(section)
    assert yes
    assert not yes & no
    for name in yes:
        # Whatever it is, asking for it is no error.
        getattr(ours[section], name)
    # A stream is its own codec context, and may have names of that.
    assert not {name for name in no if hasattr(ours[section], name)}


@pytest.mark.parametrize("section", THEIRS)
@pytest.mark.skipif(
    tuple(map(int, av.__version__.split(".")[:2])) != LISTED, reason="the names are of PyAV 18.1"
)
def test_all_names_of_pyav_are_listed(section):
    yes, no = listed(section)
    theirs = {name for name in dir(THEIRS[section]) if not name.startswith("_")}
    # Attributes of instances do not show in dir of the class.
    assert theirs <= yes | no
    assert yes | no == theirs | ((yes | no) & INSTANCE)


#: What objects of PyAV have, and their classes do not show.
INSTANCE = {"name", "streams", "file", "options", "metadata"}


def test_frames_are_those_of_pyav(ours):
    container = ours["InputContainer"]
    container.seek(0)
    assert {type(frame) for frame in container.decode()} == {av.VideoFrame, av.AudioFrame}
