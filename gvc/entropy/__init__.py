"""Entropy models of motion codes, by name, over constriction's range coder.

A model codes levels (:mod:`.adaptive`, :mod:`.kalman`, :mod:`.learned`); how frames are made and
when they come is coded alike in all (:mod:`.choices`, :mod:`.timing`, :mod:`.group`). Every
distribution that reaches the range coder comes out of integer arithmetic on symbols already coded,
so that a file decodes alike on every machine. Trained integers are handed in as plain arrays.
Speaker packs are coded likewise (:mod:`.differences`). May import :mod:`gvc.bitstream` and
:mod:`gvc.errors`; never a network. See ``docs/bitstream.md``, clauses 5 and
7.

>>> import numpy as np
>>> encoder = create_encoder("adaptive", 3)
>>> encoder.encode(np.array([4, -1, 0], dtype=np.int32))
>>> create_decoder("adaptive", 3, encoder.finish()).decode()
array([ 4, -1,  0], dtype=int32)
"""

from gvc.entropy.choices import InterType, KeyChoice
from gvc.entropy.differences import decode_differences, encode_differences
from gvc.entropy.group import MAX_LEVEL, decode_types
from gvc.entropy.registry import (
    MotionDecoder,
    MotionEncoder,
    create_decoder,
    create_encoder,
    names,
    needs_prior,
)

__all__ = [
    "MAX_LEVEL",
    "InterType",
    "KeyChoice",
    "MotionDecoder",
    "MotionEncoder",
    "create_decoder",
    "create_encoder",
    "decode_differences",
    "decode_types",
    "encode_differences",
    "names",
    "needs_prior",
]
