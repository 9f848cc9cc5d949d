"""Whether W&B can be reached, and how far its clock is from ours: one HEAD request, without W&B's client.

The client of wandb 0.31.0 says nothing while it retries a host that cannot be reached.
"""

from __future__ import annotations

import email.utils
import http.client
import ssl
import time
import urllib.error
import urllib.request

from pipeline.durations import duration
from pipeline.errors import PipelineError
from pipeline.tracking.wandb_errors import RefusedError, TroubleError, UnreachableError

MOST_SKEW_SECONDS = 300.0
"""Clocks may differ by so much before anybody is told."""


def clock_ahead_seconds(url: str, timeout: float) -> float:
    """Clock skew: how far this machine's clock is ahead of the server's.

    Args:
        url: Of the server.
        timeout: In seconds.

    Returns:
        In seconds; 0 if the server does not say what time it is.

    Raises:
        UnreachableError: If there is no connection.
        TroubleError: If it does not answer, or nobody can vouch for it.
        RefusedError: If the address is not one.
    """
    try:
        request = urllib.request.Request(url, method="HEAD")
        with urllib.request.urlopen(request, timeout=timeout) as response:
            headers = response.headers
    except urllib.error.HTTPError as answer:
        headers = answer.headers  # whatever it says, it is there
    except urllib.error.URLError as error:
        raise _not_there(url, error.reason) from None
    except ValueError as error:
        hint = "WANDB_BASE_URL is like https://api.wandb.ai"
        raise RefusedError(f"not the address of a server: {error}", where=url, hint=hint) from None
    except (OSError, http.client.HTTPException) as error:
        what = f"it takes the connection and does not answer ({str(error) or type(error).__name__})"
        raise TroubleError(what, where=url, hint="a proxy or a firewall may be in between; try again later") from None
    said = headers.get("Date")
    return 0.0 if said is None else time.time() - email.utils.parsedate_to_datetime(said).timestamp()


def _not_there(url: str, reason: str | BaseException) -> PipelineError:
    if isinstance(reason, ssl.SSLCertVerificationError):
        what = f"its certificate is not accepted: {reason.verify_message}"
        hint = f"it is {time.strftime('%Y-%m-%d %H:%M')} here; if it is not, that is why; else SSL_CERT_FILE is missing"
        return TroubleError(what, where=url, hint=hint)
    if isinstance(reason, ConnectionResetError | ssl.SSLError):
        return TroubleError(f"it breaks the connection: {reason}", where=url, hint="try again later")
    return UnreachableError(f"cannot be reached: {reason}", where=url, hint="sync from a machine with internet")


def skew_in_words(seconds: float) -> str:
    """A warning of clock skew; empty up to five minutes.

    Args:
        seconds: How far this machine's clock is ahead.

    Returns:
        A sentence, or nothing.
    """
    if abs(seconds) <= MOST_SKEW_SECONDS:
        return ""
    side = "ahead of" if seconds > 0 else "behind"
    return (
        f"the clock of this machine is {duration(abs(seconds))} {side} W&B's: runs will look as if they began at "
        "another time; their numbers are not touched"
    )
