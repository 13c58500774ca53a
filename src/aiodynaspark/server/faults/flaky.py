"""A fault now and then, whichever it may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .profile import PROFILES, profile

if TYPE_CHECKING:
    from .visit import Visit

CALM = ("asleep", "asleep-for", "flaky", "none", "patience")
"""Those that are no fault of one request alone."""


@profile(0.1)
async def flaky(visit: Visit) -> None:
    """answers N of all requests (0.1 is a tenth) with any other fault, the same each run"""
    if visit.host.random.random() >= visit.value:
        await visit.answer()
        return
    faults = [fault for name, fault in sorted(PROFILES.items()) if name not in CALM]
    chosen = visit.host.random.choice(faults)
    visit.value = chosen.value
    await chosen.play(visit)
