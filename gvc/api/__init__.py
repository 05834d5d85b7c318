"""Containers, streams and packets in the manner of PyAV, and whole-file transcoding.

May import :mod:`gvc.codec`, :mod:`gvc.media` and what is below them (:mod:`gvc.faces` among that),
and :mod:`gvc.metrics`.
:func:`gvc.open` is :func:`gvc.api.open.open`.
"""
