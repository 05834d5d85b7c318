"""Containers, streams and packets in the manner of PyAV, and whole-file transcoding.

May import :mod:`gvc.codec`, :mod:`gvc.media` and what is below them (:mod:`gvc.faces` among that),
:mod:`gvc.metrics` and :mod:`gvc.process`.

:func:`gvc.open` is :func:`gvc.api.open.open`. It makes an :class:`.input.InputContainer`, of which
:class:`.input_file.InputFile` is the open file, :mod:`.streams` its streams, :mod:`.cursor` where
reading stands and :mod:`.playback` what comes out from there; or an
:class:`.output.OutputContainer`, which keeps what it writes in an :class:`.unfinished.Unfinished`
file and whose streams code (:mod:`.output_video`, :mod:`.output_audio`) or copy
(:mod:`.output_copy`). :mod:`.transcode` does whole files through these.
"""
