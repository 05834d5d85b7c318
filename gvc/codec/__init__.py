"""The codec: pictures to groups of pictures and back.

Holds where groups begin and how each is coded, key frames and motion codes, quantiser, the video
encoder and the video decoder. May import every package below it: :mod:`gvc.model`,
:mod:`gvc.media`, :mod:`gvc.keyframe`, :mod:`gvc.entropy`, :mod:`gvc.faces`, :mod:`gvc.bitstream`;
never :mod:`gvc.api` or above.
"""
