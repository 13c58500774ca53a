"""Certificates for loopback, signed by an authority that nobody trusts."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme


def make_certificate(folder: Path) -> Path:
    """Make a key and a certificate for 127.0.0.1 in one PEM file; ``authority.pem`` signed it."""
    both = folder / "both.pem"
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    issued = authority.issue_cert("127.0.0.1", "localhost")
    issued.private_key_and_cert_chain_pem.write_to_path(str(both))
    return both


def server_context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
