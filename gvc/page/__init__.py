"""Pages of HTML that need no other file: skeleton, tables, pictures, charts.

A page holds its style, its few lines of script and its pictures, and tells browsers to fetch
nothing (:mod:`.document`). Charts (:mod:`.axis`, :mod:`.charts`) are SVG with labels beside it in
HTML, so that lines stretch with a window and letters do not. Names of files may be anything, so
they are made printable first (:mod:`.text`). Knows nothing of video.

May import nothing but the standard library.
"""
