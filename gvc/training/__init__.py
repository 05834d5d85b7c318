"""Training of the networks: data, losses, the loop, validation and the model card.

May import everything but :mod:`gvc.bench`, :mod:`gvc.archive` and :mod:`gvc.cli`. Needs the extra
``train`` (OpenCV, for the optical flow that teaches the motion networks).
"""
