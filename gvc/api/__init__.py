"""Containers, streams and packets in the manner of PyAV, and whole-file transcoding.

May import :mod:`gvc.codec` and :mod:`gvc.media` and what is below them. :func:`gvc.open` is
:func:`gvc.api.open.open`.
"""
