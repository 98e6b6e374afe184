"""What an operator may set: one frozen value, read once from the environment and checked at start.

``BROKER_X_FILE`` names a file that holds ``BROKER_X``, for whatever is secret.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from broker.errors import Fault, Invalid

CLIENT_NAMES = frozenset({"BROKER_URL", "BROKER_KEY", "BROKER_KEY_FILE"})
"""Read by the command line when it acts as a publisher or an agency; no settings of the broker."""
LOG_LEVELS = ("debug", "info", "warning", "error")
LONGEST_LEASE_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that differs between two installations. Addresses may hold passwords: no repr."""

    database_url: str = field(repr=False)
    """PostgreSQL, the ledger (BROKER_DATABASE_URL)."""
    wakeup_url: str = field(repr=False)
    """The Valkey that carries wake-ups; no agency may reach it (BROKER_WAKEUP_URL)."""
    exchange_url: str = field(repr=False)
    """The message broker that holds the agencies' queues (BROKER_EXCHANGE_URL)."""
    policy_dir: Path = Path("policies/england")
    """The policy and directory that ``broker policy publish`` reads (BROKER_POLICY_DIR)."""
    http_host: str = "127.0.0.1"
    """The address that the gateway listens on (BROKER_HTTP_HOST)."""
    http_port: int = 8080
    """The port that the gateway listens on (BROKER_HTTP_PORT)."""
    lease: timedelta = timedelta(seconds=60)
    """How long an agency may keep a delivery before it is offered again (BROKER_LEASE_SECONDS)."""
    clock_file: Path | None = None
    """Tests alone: a file that says what time it is (BROKER_CLOCK_FILE)."""
    points_dir: Path | None = None
    """Tests alone: a folder of orders for named points (BROKER_POINTS_DIR)."""
    log_level: str = "info"
    """debug, info, warning or error (BROKER_LOG_LEVEL)."""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings; raise ``Invalid`` with every fault at once."""
        reading = _Reading({k: v for k, v in environ.items() if k.startswith("BROKER_")})
        settings = cls(
            database_url=reading.secret("BROKER_DATABASE_URL"),
            wakeup_url=reading.secret("BROKER_WAKEUP_URL"),
            exchange_url=reading.secret("BROKER_EXCHANGE_URL"),
            policy_dir=Path(reading.text("BROKER_POLICY_DIR", "policies/england")),
            http_host=reading.text("BROKER_HTTP_HOST", "127.0.0.1"),
            http_port=reading.whole("BROKER_HTTP_PORT", 8080, highest=65_535),
            lease=timedelta(
                seconds=reading.whole("BROKER_LEASE_SECONDS", 60, highest=LONGEST_LEASE_SECONDS)
            ),
            clock_file=reading.path("BROKER_CLOCK_FILE"),
            points_dir=reading.path("BROKER_POINTS_DIR"),
            log_level=reading.one_of("BROKER_LOG_LEVEL", LOG_LEVELS, "info"),
        )
        reading.finish()
        return settings


class _Reading:
    """Takes names out of the environment and gathers what is wrong with them."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given
        self._known = set(CLIENT_NAMES)
        self._faults: list[Fault] = []

    def text(self, name: str, default: str) -> str:
        self._known.add(name)
        return self._given.get(name, default)

    def path(self, name: str) -> Path | None:
        text = self.text(name, "")
        return Path(text) if text else None

    def secret(self, name: str) -> str:
        """Return the value, or the content of the file that ``name_FILE`` names."""
        value, file = self.text(name, ""), self.text(f"{name}_FILE", "")
        if value and file:
            self._fault(name, "twice", f"Set {name} or {name}_FILE, not both.")
        if file:
            try:
                value = Path(file).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError):
                self._fault(f"{name}_FILE", "unreadable", "The file cannot be read.")
                return ""
        if not value:
            self._fault(name, "missing", f"Set {name} or {name}_FILE.")
        return value

    def whole(self, name: str, default: int, *, highest: int) -> int:
        text = self.text(name, str(default))
        if text.isascii() and text.isdecimal() and 1 <= int(text) <= highest:
            return int(text)
        self._fault(name, "not-in-range", f"Use a whole number from 1 to {highest}.")
        return default

    def one_of(self, name: str, words: tuple[str, ...], default: str) -> str:
        text = self.text(name, default)
        if text not in words:
            self._fault(name, "unknown-word", f"Use one of {', '.join(words)}.")
        return text

    def finish(self) -> None:
        """Raise for what is wrong, names that nobody reads included: most are misspelt."""
        for name in sorted(self._given.keys() - self._known):
            self._fault(name, "unknown-setting", f"There is no such setting.{self._hint(name)}")
        if self._faults:
            told = " ".join(f"{fault.pointer}: {fault.message}" for fault in self._faults)
            raise Invalid(f"The settings cannot be used. {told}", faults=self._faults)

    def _hint(self, name: str) -> str:
        near = difflib.get_close_matches(name, sorted(self._known), n=1)
        return f" Did you mean {near[0]}?" if near else ""

    def _fault(self, name: str, code: str, message: str) -> None:
        self._faults.append(Fault(name, code, message))
