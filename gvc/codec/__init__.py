"""The codec: pictures to groups of pictures and back.

Holds the planner (where groups begin), the motion quantiser, the video encoder and the video
decoder. May import every package below it: :mod:`gvc.model`, :mod:`gvc.media`,
:mod:`gvc.keyframe`, :mod:`gvc.entropy`, :mod:`gvc.bitstream`; never :mod:`gvc.api` or above.
"""
