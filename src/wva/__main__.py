"""``python -m wva``."""

from wva.cli.main import main

main()
