"""Foreign errors become ours here, and nowhere else."""

from __future__ import annotations

import ssl

import aiohttp

from ..errors import ConnectError, DynasparkError, TransportError, UsageError
from .connections import NotHttp


def translate(error: Exception, where: str, if_refused: str | None = None) -> DynasparkError:
    """Make our error of one that came before the answer's status did.

    Args:
        error: what aiohttp or the operating system raised.
        where: the origin that was asked, for the sentence.
        if_refused: the sentence to use when nobody listens there.
    """
    if isinstance(error, aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError):
        return UsageError(f"{where} is not a URL that can be asked; write http://HOST:PORT.")
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return refused_by_proxy(error.status, where)
    if isinstance(error, aiohttp.ClientConnectorCertificateError | ssl.CertificateError):
        return ConnectError(
            f"The certificate of {where} cannot be verified; check the host's name, "
            "or have its issuer trusted on this machine.",
            retryable=False,
        )
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return ConnectError(
            f"No TLS connection to {where} came about; check whether it speaks https at all.",
        )
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return ConnectError(f"{where} did not take a connection in time; check the address.")
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return ConnectError(f"The proxy for {where} cannot be reached; check its address.")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return ConnectError(f"The host {error.host} was not found; check its name.")
    if isinstance(error, aiohttp.ClientConnectorError):
        return ConnectError(if_refused or f"Nothing answers at {where}; check that it is running.")
    if isinstance(error, aiohttp.ClientResponseError | NotHttp):
        return _not_http(where)
    return TransportError(f"{where} closed the connection before it answered; try again.")


def translate_cut(error: Exception, where: str) -> TransportError:
    """Make our error of one that came while the body was read."""
    if isinstance(error, NotHttp):
        return _not_http(where)
    return TransportError(f"{where} broke off before its answer was whole; ask again.")


def _not_http(where: str) -> TransportError:
    return TransportError(
        f"{where} did not answer in proper HTTP; check its address and scheme.", retryable=False
    )


def refused_by_proxy(status: int, where: str) -> ConnectError:
    """Make the error for a proxy that does not let a request through."""
    return ConnectError(
        f"The proxy answered {status} when asked for {where}; check its address and credentials.",
        retryable=status >= 500,
    )
