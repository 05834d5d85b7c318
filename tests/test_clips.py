"""The table of a folder of clips: what it gives, and what it refuses."""

from __future__ import annotations

import pytest

from gvc.clips import Clip, Kind, Split, read_table
from gvc.errors import InvalidDataError, MediaError

HEAD = "file\tidentity\tsplit\tkind\tfps\n"


def test_rows_become_clips(tmp_path):
    (tmp_path / "clips.tsv").write_text(f"{HEAD}a.mp4\tada\ttrain\tbody\t25\n")
    assert read_table(tmp_path) == [Clip(tmp_path / "a.mp4", "ada", Split.TRAIN, Kind.BODY)]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("file\tidentity\tsplit\na\tada\tval\n", "not a clip table: no column 'kind'"),
        (f"{HEAD}a.mp4\tada\n", "not a clip table: None is not a valid Split"),
        (f"{HEAD}a.mp4\tada\ttest\tbody\t25\n", "'test' is not a valid Split"),
        (f"{HEAD}a.mp4\tada\tval\tcat\t25\n", "'cat' is not a valid Kind"),
        (f"{HEAD}a\tada\ttrain\tbody\t\nb\tada\tval\tbody\t\n", "ada is in both splits"),
    ],
)
def test_what_is_no_table_is_said(tmp_path, text, match):
    (tmp_path / "clips.tsv").write_text(text)
    with pytest.raises(InvalidDataError, match=match) as caught:
        read_table(tmp_path)
    assert caught.value.path == str(tmp_path / "clips.tsv")


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(MediaError, match=r"clips\.tsv: No such file"):
        read_table(tmp_path)
