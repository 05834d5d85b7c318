"""Training of the networks: data, losses, the loop, validation and the model card.

The prior of motion codes (:mod:`.prior`) is trained apart from them, when they are done.

May import everything but :mod:`gvc.bench`, :mod:`gvc.archive` and :mod:`gvc.cli`. Needs the extra
``train`` (OpenCV, for the optical flow that teaches the motion networks).
"""
