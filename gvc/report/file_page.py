"""What there is to say of one file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

from gvc.codec.summary import StreamSummary, summarise
from gvc.errors import GvcError, MediaError
from gvc.page.document import document, facts, picture
from gvc.page.text import (
    byte_size,
    clock,
    duration,
    file_name,
    kilobits,
    printable,
    share,
)
from gvc.report.comparison import Instant, Look, look_at
from gvc.report.settings import ReportSettings
from gvc.report.timeline import LETTERS, timeline

#: Colours of what files are made of, and how a report is laid out.
STYLE = Path(__file__).with_name("report.css")

NO_SOURCE = (
    "The source was not at hand: there are no distances, and pictures of the decoded file only."
)


@dataclass(frozen=True, slots=True)
class FileReport:
    """What is known of a .gvc file.

    :param summary: what it holds. :param source: what it was made from, if that is at hand.
    :param source_size: in bytes, if it is known.
    :param look: what was seen of it; None if it could not be decoded.
    :param remarks: a line each on what is wrong with it, or missing here.
    """

    path: Path
    summary: StreamSummary
    source: Path | None
    source_size: int | None
    look: Look | None
    remarks: tuple[str, ...] = ()


def examine(path: Path, source: Path | None, settings: ReportSettings) -> FileReport:
    """Read the .gvc file ``path`` and decode some of it.

    A file that is damaged is reported up to there.

    :param source: what it was made from, None if that is not at hand.
    :raises UsageError: if ``source`` is another recording.
    :raises GvcError: if either cannot be read at all.
    """
    try:
        with path.open("rb") as file:
            summary = summarise(file)
        source_size = None if source is None else source.stat().st_size
    except OSError as error:
        raise MediaError(error.strerror or str(error), path=error.filename or path) from error
    except GvcError as error:
        raise type(error)(error.cause, path=path, hint=error.hint) from error
    remarks = []
    if summary.problem is not None:
        remarks.append(f"The file is damaged: {summary.problem}.")
    look = look_at(path, summary, source, settings) if summary.by_group else None
    if source is None:
        remarks.append(NO_SOURCE)
    return FileReport(path, summary, source, source_size, look, tuple(remarks))


def file_page(report: FileReport) -> str:
    """A whole page."""
    name = file_name(report.path)
    made = f"made from {printable(report.source)}" if report.source else "a .gvc file"
    body = (
        f'<header><h1>{escape(name)}</h1><p class="less">{escape(made)}</p></header>\n'
        f"<main>{file_section(report)}</main>\n<footer>{notes()}</footer>"
    )
    return document(f"{name} – gvc report", body, style=STYLE.read_text(encoding="utf-8"))


def file_section(report: FileReport) -> str:
    """All of a file but its name."""
    said = "".join(f'<p class="remark">{escape(remark)}</p>' for remark in report.remarks)
    parts = [facts(_facts(report)), said]
    if report.summary.by_group:
        parts.append(timeline(report.summary, report.look))
    if report.look is not None:
        parts.append(_pictures(report.look))
    return "\n".join(parts)


def _facts(report: FileReport) -> Iterator[tuple[str, str, str]]:
    summary, video = report.summary, report.summary.header.video
    seconds = float(summary.seconds)
    if report.source_size:
        saved = share(report.source_size - summary.size, report.source_size)
        yield "Saved", saved, f"{byte_size(report.source_size)} → {byte_size(summary.size)}"
    else:
        yield "Size", byte_size(summary.size), ""
    if seconds:
        sound = f"{kilobits(summary.audio * 8 / seconds)} of it sound" if summary.audio else ""
        yield "Rate", kilobits(summary.size * 8 / seconds), sound
    found = [
        sample.distance
        for sample in (report.look.samples if report.look else ())
        if sample.distance is not None
    ]
    if found:
        yield (
            "Mean distance",
            f"{sum(found) / len(found):.3f}",
            f"{len(found):,} of {summary.frames.total():,} frames",
        )
    rate = f"{float(video.frame_rate):.4g}"
    yield "Length", duration(seconds), f"{summary.frames.total():,} frames, {rate} a second"
    inner = f"{video.coded_width}×{video.coded_height}"
    made = f"a head generated at {inner}" if video.canvas else f"coded at {inner}"
    yield "Picture", f"{video.width}×{video.height}", made


def _pictures(look: Look) -> str:
    inside = "".join(
        _figure(letter, instant) for letter, instant in zip(LETTERS, look.instants, strict=False)
    )
    compared = look.instants[0].source is not None
    what = "the worst frame of each third" if compared else "the middle of each third"
    kind = "pictures" if compared else "pictures alone"
    return f'<h3>Pictures <small>{what}</small></h3><div class="{kind}">{inside}</div>'


def _figure(letter: str, instant: Instant) -> str:
    sample = instant.sample
    when = clock(sample.seconds) if sample.seconds >= 60 else f"{sample.seconds:.2f} s"
    shown = []
    if instant.source is not None:
        shown.append(("source", instant.source))
    shown.append(("decoded", instant.decoded))
    pair = "".join(
        f"<div>{picture(data, f'{what}, at {when}', kind='jpeg', size=instant.size)}"
        f"<small>{what}</small></div>"
        for what, data in shown
    )
    said = f"{when}, frame type {sample.kind.value}"
    if sample.distance is not None:
        said += f", distance {sample.distance:.3f}"
    return (
        f'<figure><div class="pair">{pair}</div>'
        f"<figcaption><b>{letter}</b> {said}</figcaption></figure>"
    )


def notes() -> str:
    """What words on the page mean."""
    terms = [
        (
            "Distance",
            "How different a decoded frame looks from the source's, by the perceptual network "
            "that encoders decide by: 0 is identical, on the scale of LPIPS with SqueezeNet.",
        ),
        (
            "Frame types",
            "K: coded as a picture by VVC; M: animated from a key frame by a motion code of its "
            "own; I: by one that lies between its neighbours'; P: by the one before; "
            "V: coded as video by VVC, where animation would not do.",
        ),
        (
            "Bits",
            "A group's motion codes share one run of the range coder, so that bits are known group "
            "by group.",
        ),
    ]
    inside = "".join(f"<dt>{term}</dt><dd>{meaning}</dd>" for term, meaning in terms)
    return f'<h2>What is what</h2><dl class="terms">{inside}</dl>'
