"""``gvc.transcode``: a whole file encoded or decoded in one call."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from gvc.api.file_object import File, path_of, to_read
from gvc.api.input import InputContainer
from gvc.api.limits import DecodeLimits
from gvc.api.options import encoder_settings
from gvc.api.progress import OnProgress, OnWarning, Report, ignore
from gvc.api.transcode import decode, encode
from gvc.api.unfinished import Unfinished
from gvc.codec.settings import EncoderSettings
from gvc.errors import UsageError
from gvc.media import DEFAULT_OPUS_BIT_RATE, AudioMode, SinkOptions, format_of
from gvc.media.address import check_address

if TYPE_CHECKING:
    from gvc.faces import Faces

_SINK = SinkOptions()


def transcode(
    source: File,
    target: File,
    *,
    format: str | None = None,  # noqa: A002 - the name that PyAV has for it
    options: Mapping[str, str] | EncoderSettings | None = None,
    passes: int | None = None,
    audio: str = "opus",
    audio_bit_rate: int = DEFAULT_OPUS_BIT_RATE,
    faces: Faces | None = None,
    size: int | None = None,
    device: str = "cpu",
    threads: int | None = None,
    on_error: str = "stop",
    limits: DecodeLimits | None = None,
    sink: SinkOptions = _SINK,
    on_progress: OnProgress = ignore,
    on_warning: OnWarning = ignore,
) -> Report:
    """Encode any video as .gvc, or decode a .gvc file, as ``gvc encode`` and ``gvc decode`` do.

    >>> import gvc
    >>> gvc.transcode("talk.mp4", "talk.gvc", options={"bit_rate": "5000"})  # doctest: +SKIP
    >>> gvc.transcode("talk.gvc", "back.mp4")                               # doctest: +SKIP

    A path gets its file when all is done. A file that is damaged is decoded up to there, or past
    that with ``on_error="conceal"``; :attr:`Report.problem` and :attr:`Report.losses` say so.

    :param source: a path, or a binary file object, pipes too; for encoding also an address that
        begins with http or https.
    :param target: a path or a binary file object.
    :param format: of ``target``: ``gvc`` encodes, FFmpeg's name of a format decodes. None goes by
        what the name of ``target`` ends in.
    :param options: for encoding, by the names of the command line.
    :param passes: for encoding, how often the source is read; None takes 2 for a bit rate where the
        source is a file, else 1.
    :param audio: for encoding, ``opus``, ``copy`` or ``none``; for decoding, ``none`` drops it.
    :param audio_bit_rate: of Opus, bits per second.
    :param faces: for encoding, what finds faces; None takes what is installed.
    :param size: for decoding, as for :func:`gvc.open`; so are ``on_error`` and ``limits``.
    :param device: where the network runs, ``cpu`` or ``cuda``.
    :param threads: CPU threads; None leaves the choice to the libraries.
    :param sink: for decoding, how the video is coded.
    :param on_progress: called after each frame.
    :param on_warning: for encoding, called with a line for what is left out or changed.
    :raises UsageError: if an argument makes no sense, or both are the same file.
    :raises GvcError: if the source cannot be read, or the target cannot be written.
    """
    name = path_of(target)
    address = isinstance(source, str) and check_address(source)
    _check_different(None if address else path_of(source), name)
    if format is None:
        if name is None:
            raise UsageError("a file object has no format", hint="give format, 'gvc' or 'mp4', say")
        format = "gvc" if name.suffix.lower() == ".gvc" else format_of(name)
    unfinished = Unfinished(target)
    try:
        if format == "gvc":
            report = encode(
                _source(source),
                unfinished.file,
                settings=_settings(options, EncoderSettings(device=device, threads=threads)),
                audio=_audio_named(audio),
                audio_bit_rate=audio_bit_rate,
                passes=passes,
                faces=faces,
                on_progress=on_progress,
                on_warning=on_warning,
            )
        else:
            if options:
                raise UsageError("options are for encoding", hint="sink says how to decode")
            decoding = partial(InputContainer, size=size, device=device, threads=threads)
            with decoding(source, on_error=on_error, limits=limits or DecodeLimits()) as container:
                report = decode(
                    container,
                    unfinished.file,
                    container=format,
                    options=sink,
                    audio=_audio_named(audio) is not AudioMode.NONE,
                    name=unfinished.name,
                    on_progress=on_progress,
                )
    except BaseException:
        unfinished.discard()
        raise
    unfinished.commit()
    return report


def _check_different(source: Path | None, target: Path | None) -> None:
    if source is None or target is None or not (source.exists() and target.exists()):
        return
    if source.samefile(target):
        raise UsageError("output is the same file as input", path=target)


def _settings(
    options: Mapping[str, str] | EncoderSettings | None, base: EncoderSettings
) -> EncoderSettings:
    """What ``options`` ask for, over ``base``."""
    if isinstance(options, EncoderSettings):
        return options
    return encoder_settings(base, options or {})


def _source(file: File) -> str | Path | BinaryIO:
    """What to encode, as :func:`encode` takes it."""
    if isinstance(file, str) and check_address(file):
        return file
    path = path_of(file)
    return path if path is not None else to_read(file)[0]


def _audio_named(name: str) -> AudioMode:
    try:
        return AudioMode(name)
    except ValueError:
        raise UsageError(f"audio {name!r} is not known", hint=", ".join(AudioMode)) from None
