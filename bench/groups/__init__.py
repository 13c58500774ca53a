"""The groups of measurements, in the order in which they run; each has ``run(run)``."""

GROUPS = {
    "call": "call",
    "stream": "stream",
    "upload": "upload",
    "import": "imports",
    "gateway": "gateway",
    "openai": "openai",
    "batch": "batch",
    "ray": "ray",
}
"""Modules by the names of their groups."""
