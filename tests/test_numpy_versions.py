"""Pictures do not depend on the version of NumPy, whose rules of promotion changed with 2.0."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest

from gvc.codec.decoder import _mixed

PACKAGE = Path(__file__).resolve().parents[1] / "gvc"

#: Before NumPy 2 such a scalar takes the type of the array beside it, since then it widens that.
WIDENING = {
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "intp", "uintp"),
    *("float64", "longdouble"),
}


def is_widening(node: ast.expr) -> bool:
    """Whether an operand is a NumPy scalar, made on the spot, of a type that may widen an array."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in ("np", "numpy")
        and node.func.attr in WIDENING
    )


def promotions(source: str) -> list[int]:
    """Lines on which such a scalar is part of arithmetic."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.BinOp) and (is_widening(node.left) or is_widening(node.right))
    ]


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.stem)
def test_no_scalar_is_to_widen_an_array(path):
    assert not promotions(path.read_text(encoding="utf-8"))


def test_such_scalars_are_noticed():
    assert promotions("mixed = (np.uint16(5 - share) * picture + 2) // 5") == [1]
    assert not promotions("mixed = picture.astype(np.uint16) * (5 - share)")


@pytest.mark.parametrize("fifths", range(6))
def test_fading_pictures_are_mixed_in_more_than_eight_bits(fifths):
    values = np.arange(256, dtype=np.uint8)
    picture, other = (each.copy() for each in np.meshgrid(values, values))
    mixed = _mixed(picture, other, fifths)
    assert mixed.dtype == np.uint8
    wanted = [
        [((5 - fifths) * one + fifths * two + 2) // 5 for one in range(256)] for two in range(256)
    ]
    assert mixed.tolist() == wanted
