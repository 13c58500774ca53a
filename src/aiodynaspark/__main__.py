"""``python -m aiodynaspark`` is the command line."""

from .cli import main

main()
