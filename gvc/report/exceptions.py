"""What of an archive did not go as usual, reason by reason."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from html import escape

from gvc.archive.entry import Entry, Form
from gvc.page.text import printable
from gvc.report.totals import FAILED

#: Most reasons of each kind that are listed, and most names of files beside each.
_REASONS, _NAMES = 20, 8

#: In reasons that are alike but for their numbers.
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def exceptions(entries: Iterable[Entry]) -> str:
    """What failed, what is kept otherwise than as .gvc, and what there was to remark."""
    kinds = defaultdict[str, list[tuple[str, Entry]]](list)
    for entry in entries:
        if entry.state in FAILED:
            earlier = " (an earlier version is kept)" if entry.is_kept else ""
            kinds["Failed"].append((f"{entry.error or 'no reason given'}{earlier}", entry))
        elif entry.is_kept and entry.difference is not None:
            kinds["Different from their sources"].append((entry.difference, entry))
        elif entry.is_kept and entry.form is not Form.GVC:
            title = "Kept as VVC" if entry.form is Form.VVC else "Copied"
            kinds[title].append((entry.note or "no reason given", entry))
        elif entry.is_kept and entry.note:
            title = "Sources with damage" if entry.damaged else "Remarks"
            kinds[title].append((entry.note, entry))
    order = (
        *("Failed", "Different from their sources", "Sources with damage", "Copied"),
        *("Kept as VVC", "Remarks"),
    )
    inside = "".join(_reasons(title, kinds[title]) for title in order if kinds[title])
    return f"<section><h2>What did not go as usual</h2>{inside}</section>" if inside else ""


def _reasons(title: str, found: Sequence[tuple[str, Entry]]) -> str:
    alike = defaultdict[str, list[tuple[str, Entry]]](list)
    for reason, entry in found:
        alike[_NUMBER.sub("0", reason)].append((reason, entry))
    commonest = sorted(alike.values(), key=lambda each: -len(each))
    lines = [_line(each) for each in commonest[:_REASONS]]
    if len(commonest) > _REASONS:
        lines.append(f"<li>{len(commonest) - _REASONS:,} further reasons</li>")
    return (
        f'<h3>{title} <small>{len(found):,}</small></h3><ul class="reasons">{"".join(lines)}</ul>'
    )


def _line(found: Sequence[tuple[str, Entry]]) -> str:
    """A reason, and what it is about."""
    names = [entry.name for _, entry in found]
    shown = ", ".join(f"<code>{escape(printable(name))}</code>" for name in names[:_NAMES])
    more = f" and {len(names) - _NAMES:,} more" if len(names) > _NAMES else ""
    count = f"{len(names):,} × " if len(names) > 1 else ""
    reason = escape(printable(_merged([reason for reason, _ in found])))
    return f"<li>{count}{reason}<br><small>{shown}{more}</small></li>"


def _merged(reasons: Sequence[str]) -> str:
    """Reasons that are alike but for their numbers, as one: an ellipsis where these differ."""
    numbers = zip(*(_NUMBER.findall(reason) for reason in reasons), strict=True)
    merged = iter([each[0] if len(set(each)) == 1 else "…" for each in numbers])
    return _NUMBER.sub(lambda _: next(merged), reasons[0])
