"""Settings by name, from the fastest to the one that spares most bits.

What a preset sets can be set otherwise, one by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gvc.errors import UsageError

#: Where nobody asks for another.
DEFAULT_PRESET = "medium"

#: Options of :class:`~gvc.codec.settings.EncoderSettings` by preset: how much time goes into key
#: frames, and into motion codes that fit the pictures.
PRESETS: Mapping[str, Mapping[str, object]] = MappingProxyType(
    {
        "faster": {"key_preset": "faster"},
        "fast": {"key_preset": "fast"},
        "medium": {},
        "slow": {"key_preset": "slow", "refine": 4},
        "slower": {"key_preset": "slow", "refine": 8},
    }
)


def preset_options(name: str) -> Mapping[str, object]:
    """What a preset sets.

    :raises UsageError: if there is none of that name.
    """
    try:
        return PRESETS[name]
    except KeyError:
        raise UsageError(f"no preset is called {name!r}", hint=", ".join(PRESETS)) from None
