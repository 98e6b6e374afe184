"""Reports an error to the user: what is wrong, where, and the next step; no traceback."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterable

import click
from referral_broker_client.errors import ClientError, Invalid

from broker.cli.exit_codes import (
    CONFLICT,
    DENIED,
    FAILED,
    INVALID,
    NOT_FOUND,
    UNAVAILABLE,
    USAGE,
    Failure,
)
from broker.cli.output import print_styled
from broker.errors import BrokerError


def report(error: Exception, *, debug: bool) -> int:
    """Print an error on standard error and return its exit code."""
    if debug:
        traceback.print_exception(error)
    if isinstance(error, BrokenPipeError):
        _discard_output()
        return FAILED
    message, next_step, faults, code = _explain(error)
    print_styled("error: ", fg="red", bold=True, err=True, nl=False)
    click.echo(message, err=True)
    for fault in faults:
        click.echo(f"  {fault}", err=True)
    if next_step:
        click.echo(f"next:  {next_step}", err=True)
    return code


def _explain(error: Exception) -> tuple[str, str, Iterable[str], int]:
    """Return message, next step, faults and exit code of an error."""
    if isinstance(error, Failure):
        return error.message, error.next_step, (), error.code
    if isinstance(error, ClientError | BrokerError):
        faults = [f"{f.pointer or '/'}: {f.message} [{f.code}]" for f in error.faults]
        next_step, code = advice(error)
        message = getattr(error, "reason", None) or error.message
        return message, next_step, faults, code
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}.", "", (), FAILED
    return (
        f"unexpected {type(error).__name__}: this is a fault in the broker, not in your input.",
        "run it again as `broker --debug ...` and report what it prints",
        (),
        FAILED,
    )


def _of_gateway(error: Exception) -> str:
    """Return the gateway's own next step, unless it speaks of headers and members of a request."""
    code = getattr(error, "code", None)
    is_of_a_request = isinstance(error, Invalid) or code in ("denied", "forbidden")
    return "" if is_of_a_request else getattr(error, "next_step", None) or ""


def _unavailable(error: Exception) -> str:
    """Return what to do where nothing responds; only then may the address be wrong."""
    step = "nothing was lost: try again later, or run `broker doctor` where the broker runs"
    is_silent = isinstance(error, ClientError) and error.problem is None
    return f"check BROKER_URL; {step}" if is_silent else step


def advice(error: Exception) -> tuple[str, int]:
    """Return the next step for an error, and its exit code, by the name of its class.

    A next step of the gateway's own comes first.

    The client and the server have a tree of errors each, with the same names for the same things.
    """
    steps = {
        "BadSettings": ("set what is listed; docs/operations.md has every setting", USAGE),
        "Invalid": (
            "correct what is listed and run it again; a referral keeps its reference",
            INVALID,
        ),
        "BeyondCalendar": ("add the coming years to the calendar of the policy", INVALID),
        "PolicyError": ("correct the named lines and run `broker policy lint`", INVALID),
        "NotFound": ("check the id or reference, and that the key belongs to its owner", NOT_FOUND),
        "Conflict": ("look at what is there with `broker status`; nothing was changed", CONFLICT),
        "LedgerRefused": ("run `broker doctor`", FAILED),
        "Unavailable": (_unavailable(error), UNAVAILABLE),
        "Throttled": ("wait a little and repeat", UNAVAILABLE),
        "Denied": (
            "check the key in BROKER_KEY_FILE or BROKER_KEY (`--key-file` names another); "
            "your administrator issues one with `broker keys issue`",
            DENIED,
        ),
    }
    for kind in type(error).__mro__:
        if kind.__name__ in steps:
            step, code = steps[kind.__name__]
            return _of_gateway(error) or step, code
    return "run it again as `broker --debug ...` and report what it prints", FAILED


def _discard_output() -> None:
    """Send the rest of the output nowhere, because its reader has closed the pipe."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
