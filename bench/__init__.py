"""Measurements: ``python -m bench`` runs ours and its peers side by side.

``groups/`` holds one module for each group, ``contenders/`` what is measured (ours and its peers,
each in a process of its own), ``upstream`` the server that all of them ask, ``results`` the
figures, ``report`` and ``docs`` how they are shown.
"""
