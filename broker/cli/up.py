"""``broker up``: a whole broker on this machine, until Ctrl-C."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import click

from broker.cli.interrupt import Interrupted, interruptible
from broker.cli.shipped import SAMPLES
from broker.cli.show import remark
from broker.cli.stack import HOST, Stack, running

USUAL_PORT = 8080
LOOK_SECONDS = 1.0


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), help="8080, or a free one if it is taken.")
def up(port: int | None) -> None:
    """Run everything here until Ctrl-C: for a first referral, and for trying an integration.

    The data is private to this run and gone afterwards.
    """
    try:
        with interruptible(), running(remark, port=_port(port)) as stack:
            click.echo(_how_to(stack, _write_keys(stack)))
            _stay(stack)
    except Interrupted:
        remark("Everything has ended.")


def _port(wanted: int | None) -> int:
    """Return the port that was asked for, else the usual one or a free one."""
    if wanted is not None:
        return wanted
    try:
        socket.create_server((HOST, USUAL_PORT)).close()
    except OSError:
        return 0
    return USUAL_PORT


def _write_keys(stack: Stack) -> Path:
    """Write each organisation's key to a file of its own that only its owner can read."""
    folder = stack.folder / "keys"
    folder.mkdir(mode=0o700)
    for organisation, key in {**stack.keys, "exchange-url": stack.exchange_url}.items():
        file = os.open(folder / organisation, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(file, "w") as opened:
            opened.write(key)
    return folder


def _stay(stack: Stack) -> None:
    """Wait for the signal; look after the processes meanwhile."""
    nothing = threading.Event()
    while not nothing.wait(LOOK_SECONDS):
        stack.children.check()


def _how_to(stack: Stack, keys: Path) -> str:
    sample = next(iter(sorted(SAMPLES.glob("case-01*.json"))), SAMPLES / "case-01.json")
    return f"""
The broker is running.     {stack.url}     API guide: {stack.url}/docs
Keys, one file each, readable by you alone: {keys}

  export BROKER_URL={stack.url} KEYS={keys}

Hand in a first referral, as Staffordshire Police:

  curl -sS $BROKER_URL/v1/referrals \\
    -H "Authorization: Bearer $(cat $KEYS/staffordshire-police)" \\
    -H "Content-Type: application/json" -H "Prefer: wait=10" \\
    --data-binary @{_short(sample)}

See who has it and by when they must act, and take it as an agency does:

  BROKER_KEY_FILE=$KEYS/staffordshire-police broker status CASE-01
  BROKER_KEY_FILE=$KEYS/staffordshire-csc broker collect

Ctrl-C ends everything and deletes it.
"""


def _short(file: Path) -> Path:
    """Return the path as it is seen from here, if it lies below."""
    return file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file
