"""Rate and quality of this codec beside the standard ones, on the same pictures.

A run (:mod:`.run`, asked for by :mod:`.settings`) takes clips (:mod:`.clips`), scales each once to
a reference (:mod:`.reference`), codes that with every codec (:mod:`.anchors`, :mod:`.generative`)
at every point (:mod:`.points`), scores what comes back (:mod:`.scores`) and keeps a record of each
(:mod:`.records`). What the records come to: deltas (:mod:`.curves`, :mod:`.summary`,
:mod:`.tables`), figures and a page (:mod:`.report`, :mod:`.figures`, :mod:`.page`), and a contact
sheet (:mod:`.sheet`). Apart from that, the native kernels are timed (:mod:`.kernels`).

How fast it is (:mod:`.speed`, asked for by :mod:`.speed_settings`): files to measure on
(:mod:`.sample`), single stages (:mod:`.stages`), fresh processes (:mod:`.processes`), and the
table (:mod:`.speed_table`). What motion codes take by entropy model (:mod:`.entropy`), beside the
scheme of the public GFVC software (:mod:`.gfvc_motion`). What a greatest distance costs and saves
(:mod:`.rho`). What adaptation gains (:mod:`.adaptation`). These need no extra.

May import :mod:`gvc.errors`, :mod:`gvc.clips`, :mod:`gvc.bitstream`, :mod:`gvc.entropy`,
:mod:`gvc.media`, :mod:`gvc.ops`, :mod:`gvc.model`, :mod:`gvc.faces`, :mod:`gvc.codec`,
:mod:`gvc.api`, :mod:`gvc.metrics` and :mod:`gvc.page`. Rate and quality need the extra
``gvc[bench]``.
"""
