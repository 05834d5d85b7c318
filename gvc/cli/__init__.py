"""The command line: one file for each command.

May import :mod:`gvc.api`, :mod:`gvc.training`, :mod:`gvc.bench`, :mod:`gvc.archive`,
:mod:`gvc.report` and what is below them; imports what a command needs when it runs, so that
``gvc info`` starts at once. Standard output carries data only; everything else goes to standard
error. Exit codes: 0 success, 1 failure or damaged data, 2 wrong usage, 3 some files of an archive
failed, 130 interrupted.
"""
