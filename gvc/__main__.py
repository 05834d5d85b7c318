"""``python -m gvc`` is ``gvc``."""

from gvc.cli.main import main

main()
