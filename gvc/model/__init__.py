"""Networks of the MTTF codec: their definition, profiles and weights; frames and codes in memory.

May import :mod:`gvc.ops` and :mod:`gvc.errors`; knows nothing of media files or bitstreams.
The classes are imported from their modules so that ``import gvc.model`` stays free of torch:

* :mod:`gvc.model.profiles`: the widths of each network, by name (``lite``, ``paper``);
* :mod:`gvc.model.mttf`: the whole network of the paper, used for training;
* :mod:`gvc.model.analysis`, :mod:`gvc.model.synthesis`: what an encoder and a decoder run;
* :mod:`gvc.model.distance`: how different two pictures look, for an encoder to decide by;
* :mod:`gvc.model.tensor_files`: safetensors files within limits;
* :mod:`gvc.model.weights`: those that hold networks, and where they are found.
"""
