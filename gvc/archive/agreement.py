"""Whether a file agrees with the packets of the recording that it was made of."""

from __future__ import annotations

from pathlib import Path

from gvc.archive.account import difference
from gvc.archive.audibility import silenced
from gvc.archive.coded_survey import survey_coded
from gvc.archive.entry import Form
from gvc.archive.packet_survey import survey_packets
from gvc.errors import GvcError
from gvc.media import AudioMode


def disagreement(
    source: Path, made: Path, *, form: Form, audio: AudioMode, listen: bool = False
) -> str | None:
    """Compare the accounts of two files that were made in different ways.

    :param source: the recording. :param made: the file. :param form: what that is; a copy is the
        same, byte by byte, as its hash says.
    :param audio: what became of the sound.
    :param listen: whether sound that was coded anew is decoded, too, to find out whether it became
        silence.
    :returns: what differs, in a line; None if nothing does.
    :raises OSError: if a file cannot be read.
    """
    if form is Form.COPY:
        return None
    sound = audio is not AudioMode.NONE
    try:
        wanted = survey_packets(source, sound=sound)
    except GvcError as error:
        return f"the source's packets cannot be counted: {error.cause}"
    try:
        found = survey_coded(made) if form is Form.GVC else survey_packets(made, sound=sound)
    except GvcError as error:
        return f"the file's pictures cannot be counted: {error.cause}"
    copied = form is Form.GVC and audio is AudioMode.COPY
    lines = [difference(wanted, found, sound=sound, copied=copied)]
    if listen and form is Form.GVC and audio is AudioMode.OPUS and wanted.sound is not None:
        try:
            lines.append(silenced(source, made))
        except GvcError as error:
            lines.append(f"the sound cannot be compared: {error.cause}")
    return "; ".join(line for line in lines if line) or None
