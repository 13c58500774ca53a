"""A host that fails on purpose, so that programs can be tried against what networks do.

``answers`` is what it would say if it worked, ``visit`` one request to it, ``profile`` what a fault
is, ``statuses``, ``bodies`` and ``connections`` the faults themselves, ``host`` listens.
"""

from . import bodies, connections, flaky, statuses
from .host import Host, run
from .profile import PROFILES, Profile, find

__all__ = [
    "PROFILES",
    "Host",
    "Profile",
    "bodies",
    "connections",
    "find",
    "flaky",
    "run",
    "statuses",
]
