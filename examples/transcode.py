"""Transcode a video to .gvc and back, in the manner of a PyAV script.

python examples/transcode.py talk.mp4 talk.gvc back.mp4
"""

from __future__ import annotations

import sys

import av

import gvc


def to_gvc(source: str, target: str) -> None:
    """Code the picture, and keep the sound as it is."""
    with av.open(source) as media, gvc.open(target, "w", options={"key_qp": "32"}) as output:
        video = media.streams.video[0]
        coded = output.add_stream("gvc", rate=video.average_rate, time_base=video.time_base)
        if media.streams.audio:
            output.add_stream_from_template(media.streams.audio[0])
        streams = [video, *media.streams.audio[:1]]
        for packet in media.demux(streams):
            if packet.stream is not video:
                output.mux(packet)
                continue
            for frame in packet.decode():
                output.mux(coded.encode(frame))
        output.mux(coded.encode())


def from_gvc(source: str, target: str) -> None:
    """Write the pictures as H.264."""
    with gvc.open(source) as container, av.open(target, "w") as media:
        coded = container.streams.video[0]
        video = media.add_stream("libx264", rate=coded.average_rate)
        video.width, video.height = coded.width, coded.height
        video.codec_context.time_base = coded.time_base
        for frame in container.decode(video=0):
            media.mux(video.encode(frame))
        media.mux(video.encode())


if __name__ == "__main__":
    to_gvc(sys.argv[1], sys.argv[2])
    from_gvc(sys.argv[2], sys.argv[3])
