"""The skeleton of a page, its pictures and its tables."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

#: What all pages have: colours in light and dark, letters, tables, charts.
_STYLE = Path(__file__).with_name("page.css")


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table that can be sorted.

    :param text: what it shows, by which columns of words are sorted.
    :param key: by which columns of numbers are sorted; None comes last.
    :param link: where its text leads, in the page.
    """

    text: str
    key: float | None = None
    link: str | None = None


def document(title: str, body: str, *, style: str = "", script: str = "") -> str:
    """A whole page, which is not allowed to fetch anything, nor to run any script but its own.

    :param title: plain text; :param body: HTML.
    :param style: CSS besides what all pages have. :param script: JavaScript, run at the end.
    """
    rules = ["default-src 'none'", "img-src data:", "style-src 'unsafe-inline'"]
    if script:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        rules.append(f"script-src 'sha256-{digest}'")
    css = _STYLE.read_text(encoding="utf-8") + style
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{"; ".join(rules)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{escape(title)}</title>\n<style>\n{css}</style></head>\n"
        f"<body>\n{body}\n{f'<script>{script}</script>' if script else ''}</body></html>\n"
    )


def picture(data: bytes, text: str, *, kind: str, size: tuple[int, int] | None = None) -> str:
    """A picture inside the page.

    :param text: what is shown in its place. :param kind: ``png`` or ``jpeg``.
    :param size: width and height in pixels, so that the page does not jump; None if unknown.
    """
    sides = f' width="{size[0]}" height="{size[1]}"' if size else ""
    inside = base64.b64encode(data).decode()
    return f'<img alt="{escape(text)}"{sides} src="data:image/{kind};base64,{inside}">'


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[str | Cell]],
    *,
    caption: str = "",
    words: Collection[int] = (0,),
    sortable: bool = False,
) -> str:
    """A table that scrolls by itself where the window is too narrow.

    The first cell of a row is its name.

    :param head: titles of the columns. :param caption: read out, not shown.
    :param words: columns that hold words, set to the left; numbers are set to the right.
    :param sortable: marks it for a script that sorts.
    """

    def attributes(column: int) -> str:
        return ' class="words"' if column in words else ""

    titles = "".join(
        f'<th scope="col"{attributes(column)}>{escape(title)}</th>'
        for column, title in enumerate(head)
    )
    lines = "\n".join(
        "<tr>"
        + "".join(_cell(item, column, attributes(column)) for column, item in enumerate(row))
        + "</tr>"
        for row in rows
    )
    said = f"<caption>{escape(caption)}</caption>" if caption else ""
    return (
        f'<div class="wide"{" data-sortable" if sortable else ""}><table>{said}'
        f"<thead><tr>{titles}</tr></thead>\n<tbody>\n{lines}\n</tbody></table></div>"
    )


def _cell(item: str | Cell, column: int, attributes: str) -> str:
    cell = Cell(item) if isinstance(item, str) else item
    tag, scope = ("td", "") if column else ("th", ' scope="row"')
    key = "" if cell.key is None else f' data-key="{cell.key}"'
    # Paths are long words.
    text = escape(cell.text).replace("/", "/<wbr>")
    if cell.link is not None:
        text = f'<a href="#{escape(cell.link)}">{text}</a>'
    return f"<{tag}{scope}{attributes}{key}>{text}</{tag}>"


def facts(items: Iterable[tuple[str, str, str]]) -> str:
    """What matters most, large: (name, value, remark)."""
    inside = "".join(_fact(*item) for item in items)
    return f'<dl class="facts">{inside}</dl>'


def _fact(name: str, value: str, remark: str) -> str:
    small = f'<dd class="less">{escape(remark)}</dd>' if remark else ""
    return f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd>{small}</div>"
