"""Batches: rows in, rows out, and nothing lost on the way.

``lines`` reads the input, ``jobs`` makes rows of it, ``keys`` tells them apart, ``pictures`` checks
what they name, ``due`` leaves out what is finished, ``asking`` asks (and touches no file),
``limiter`` says how much at once, ``engine`` where, ``rows`` is the shape of the output,
``journal`` a file of it, ``manifest`` what it is about, ``ledger`` all that is written, ``runner``
the whole.
"""

from .asking import answer_rows
from .engine import Engine, LocalEngine
from .limiter import Limiter, LocalLimiter
from .lines import Jobs
from .runner import run
from .tally import Tally

__all__ = [
    "Engine",
    "Jobs",
    "Limiter",
    "LocalEngine",
    "LocalLimiter",
    "Tally",
    "answer_rows",
    "run",
]
