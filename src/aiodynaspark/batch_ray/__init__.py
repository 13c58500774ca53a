"""The same batches on a Ray cluster; needs the extra ``ray``.

``travel`` packs a model so that no key travels with it, ``cluster`` finds or starts Ray,
``gate`` is the one limiter of the whole cluster and ``leases`` a worker's way to it, ``shift`` the
rows of one worker, ``worker`` the actor around them, ``engine`` the driver's side, ``dataset`` the
same for a Ray Dataset.
"""

from .dataset import map_batches
from .engine import run

__all__ = ["map_batches", "run"]
