"""The gateway that a command calls, and the key it calls with."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from broker.cli.exit_codes import USAGE, Failure


@dataclass(frozen=True, slots=True)
class Gateway:
    """The gateway's address and our key to it."""

    url: str
    key: str = field(repr=False)


def with_gateway(command: Callable[..., Any]) -> Callable[..., Any]:
    """Pass a command its ``gateway``, from two options or the environment.

    A key is never an argument, where every user of the machine could read it.
    """

    @click.option(
        "--url",
        envvar="BROKER_URL",
        default="http://127.0.0.1:8080",
        show_default=True,
        show_envvar=True,
        help="Where the gateway is.",
    )
    @click.option(
        "--key-file",
        envvar="BROKER_KEY_FILE",
        show_envvar=True,
        type=click.Path(path_type=Path, dir_okay=False),
        help="A file that holds the key; or set BROKER_KEY.",
    )
    @wraps(command)
    def wrapped(*args: Any, url: str, key_file: Path | None, **kwargs: Any) -> Any:
        return command(*args, gateway=Gateway(_address(url), _key(key_file)), **kwargs)

    return wrapped


def _address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Failure(
            f"{url} is not the address of a gateway.",
            next_step="set BROKER_URL, or --url, to one such as https://broker.example.org",
            code=USAGE,
        )
    return url


def _key(file: Path | None) -> str:
    key = _key_in(file) if file else os.environ.get("BROKER_KEY", "")
    if not key:
        raise Failure(
            "no key to the gateway is set.",
            next_step="set BROKER_KEY, or BROKER_KEY_FILE to a file that holds the key",
            code=USAGE,
        )
    return key


def _key_in(file: Path) -> str:
    try:
        if file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            click.echo(f"warning: other users may read {file}; run `chmod 600 {file}`", err=True)
        return file.read_text().strip()
    except (OSError, UnicodeDecodeError):
        raise Failure(
            f"the key's file {file} cannot be read.",
            next_step="set BROKER_KEY_FILE to a file that holds the key and is yours",
            code=USAGE,
        ) from None
