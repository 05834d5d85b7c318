"""A contact sheet: originals, ours and VVC at no less rate, side by side."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from gvc.bench.records import Record
from gvc.bench.run import Results, Task, decoded_pictures

#: Most clips that are shown, and the rate in kb/s that our pictures are chosen by.
MAX_CLIPS = 8
TARGET_KBPS = 5.0

#: Which codecs stand beside the original.
_OURS, _THEIRS = "gvc", "vvc"

#: When pictures are taken, as parts of the duration: the key frame is the first picture.
_INSTANTS = (0.25, 0.6, 0.95)

#: Pixels: side of a picture, space between pictures, between instants, of a line of text.
_SIDE, _GAP, _SPACE, _LINE = 192, 4, 16, 16

#: Pixels above a row of pictures: the clip's name, and two lines for each picture.
_TEXT = 3 * _LINE + 6

_Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Cell:
    """A picture and the two lines above it."""

    picture: _Picture
    lines: tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Row:
    """One clip: a list of cells for each instant."""

    clip: str
    instants: list[list[_Cell]]


def draw_sheet(results: Results, path: Path) -> bool:
    """Write the sheet as a PNG: a row a clip, three pictures at each of three instants.

    :returns: False if our codec or VVC was not measured, so that there is nothing to compare.
    :raises GvcError: if a file has to be coded again, and that fails.
    """
    pairs = list(zip(results.tasks, results.records, strict=True))
    clips = list(dict.fromkeys(task.reference.clip for task in results.tasks))[:MAX_CLIPS]
    rows = []
    for clip in clips:
        chosen = choose([pair for pair in pairs if pair[0].reference.clip == clip])
        if chosen is None:
            return False
        with tempfile.TemporaryDirectory(dir=results.settings.work) as folder:
            rows.append(_row(*chosen, Path(folder)))
    _paste(rows).save(path)
    return True


def choose(
    pairs: Sequence[tuple[Task, Record]],
) -> tuple[tuple[Task, Record], tuple[Task, Record]] | None:
    """Our point of one clip nearest the target rate, and VVC's nearest that costs no less.

    Where all of VVC's points cost less, its dearest.
    """
    ours = [pair for pair in pairs if pair[1].codec == _OURS]
    theirs = [pair for pair in pairs if pair[1].codec == _THEIRS]
    if not ours or not theirs:
        return None
    own = min(ours, key=lambda pair: abs(pair[1].kbps - TARGET_KBPS))
    dearer = [pair for pair in theirs if pair[1].kbps >= own[1].kbps]
    if dearer:
        return own, min(dearer, key=lambda pair: pair[1].kbps)
    return own, max(theirs, key=lambda pair: pair[1].kbps)


def _row(own: tuple[Task, Record], other: tuple[Task, Record], folder: Path) -> _Row:
    reference = own[0].reference
    indices = [round(part * (reference.frames - 1)) for part in _INSTANTS]
    columns = [reference.rgb(reference.planes(), indices)]
    labels = []
    for task, record in (own, other):
        decoded = reference.planes(decoded_pictures(task, folder))
        columns.append(reference.rgb(decoded, indices))
        name = "VVC" if record.codec == _THEIRS else record.codec
        score = f"LPIPS-alex {record.scores['lpips_alex']:.3f}"
        labels.append((f"{name} {record.kbps:.1f} kb/s", f"{record.point}, {score}"))
    instants = []
    for place, index in enumerate(indices):
        above = [("original", f"{float(index / reference.rate):.1f} s"), *labels]
        pictures = [column[place] for column in columns]
        instants.append([_Cell(*pair) for pair in zip(pictures, above, strict=True)])
    return _Row(reference.clip, instants)


def _paste(rows: Sequence[_Row]) -> Image.Image:
    instants, each = len(rows[0].instants), len(rows[0].instants[0])
    block = each * (_SIDE + _GAP) - _GAP + _SPACE
    sheet = Image.new(
        "RGB", (instants * block + _SPACE, len(rows) * (_SIDE + _TEXT) + _SPACE), "white"
    )
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=12)
    for number, row in enumerate(rows):
        top = number * (_SIDE + _TEXT) + 4
        draw.text((_SPACE, top), row.clip, "black", font)
        for place, cells in enumerate(row.instants):
            for column, cell in enumerate(cells):
                x = _SPACE + place * block + column * (_SIDE + _GAP)
                for line, text in enumerate(cell.lines, start=1):
                    draw.text((x, top + line * _LINE), text, "black", font)
                picture = Image.fromarray(cell.picture)
                picture = picture.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
                sheet.paste(picture, (x, top - 4 + _TEXT))
    return sheet
