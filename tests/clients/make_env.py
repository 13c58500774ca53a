"""Makes the environment of the clients: ``python tests/clients/make_env.py [DIRECTORY]``.

It is ``.venv-clients`` in the repository's root where no directory is given, and takes a few
minutes; where it is there already, only what is missing or of another version is installed.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
DEFAULT = Path(__file__).parents[2] / ".venv-clients"


def main() -> None:
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
    python = directory / "bin" / "python"
    if not python.exists():
        venv.create(directory, with_pip=True)
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([python, *install, "-r", REQUIREMENTS], check=True)


if __name__ == "__main__":
    main()
