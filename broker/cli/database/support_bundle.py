"""``broker doctor --bundle``: an archive for a support team that cannot see the machine.

It holds codes, counts, digests and instants: no content, no reference, no id of a referral, no
person's name or address, and no secret. Only the facts listed in this module are written.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import sys
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from broker import __version__
from broker.bootstrap import new_uuid7, read_settings
from broker.channels.registry import CHANNELS
from broker.cli.exit_codes import FAILED, Failure
from broker.cli.output import LOCAL
from broker.errors import BrokerError, Unavailable
from broker.flow.policy_cache import PolicyCache
from broker.flow.task_queues import TASK_QUEUES
from broker.ledger import migrate
from broker.ledger.ledger import Ledger
from broker.policy.published.expiry import endings
from broker.settings import BadSettings
from broker.transport.wakeups import Wakeups

EVENTS = 200
POLICIES = 5
NAME = "referral-broker"
_SHOWN = frozenset(
    {
        *("BROKER_HTTP_HOST", "BROKER_HTTP_PORT", "BROKER_LEASE_SECONDS", "BROKER_LOG_LEVEL"),
        *("BROKER_WEBHOOK_PRIVATE", "BROKER_TRACES_PERCENT", "BROKER_TEST_REFERRAL_MINUTES"),
        *("BROKER_CONNECTIONS", "BROKER_CONNECTIONS_PER_ADDRESS"),
    }
)
"""Settings whose values are written; of any other, only that it is set."""
_ADDRESSES = re.compile(r"BROKER_([A-Z]+_)?URL")
"""Settings of which scheme, host and port are written."""
_SETTING = re.compile(r"BROKER_[A-Z_]{1,40}")
_ABOUT = """Support bundle of the referral broker, made {at} (UTC).

{lines}

None of these files holds content, references, ids of referrals or deliveries, names or addresses
of people, or secrets. Organisations are named by their codes. Read it before you send it.
"""


@dataclass(frozen=True, slots=True)
class Part:
    """One file of the archive."""

    name: str
    title: str
    """What is in it, in a line."""
    body: bytes


def write(file: Path, findings: Sequence[Any], environ: Mapping[str, str]) -> list[Part]:
    """Write the archive, readable by its owner alone, and return what is in it.

    A question that fails, for instance because the ledger does not respond, is written as the code
    of its error. Raises Failure when the file exists already or cannot be written.
    """
    at = datetime.now(UTC)
    parts = [
        _part(
            "doctor.json",
            "the results of `broker doctor`",
            [asdict(finding) for finding in findings],
        ),
        _part("versions.json", "versions of the broker and its packages", versions()),
        _part("settings.json", "which settings are set; secrets hidden", settings(environ)),
        *_of_ledger(environ),
    ]
    lines = "\n".join(f"{part.name:<16}{part.title}" for part in parts)
    readme = Part(
        "README.txt", "what is in it", _ABOUT.format(at=f"{at:%F %T}", lines=lines).encode()
    )
    digests = {part.name: hashlib.sha256(part.body).hexdigest() for part in (readme, *parts)}
    parts = [readme, *parts, _part("sha256.json", "the digest of each file", digests)]
    _archive(file, parts, at)
    return parts


def versions() -> dict[str, Any]:
    """Return the versions of the broker, of Python, and of every package that it names."""
    return {
        "broker": __version__,
        "python": sys.version.split()[0],
        "system": platform.system(),
        "release": platform.release(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "packages": {package: _version(package) for package in _required()},
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _required() -> list[str]:
    try:
        requirements = metadata.requires(NAME) or []
    except metadata.PackageNotFoundError:
        requirements = [
            "celery",
            "kombu",
            "redis",
            "marshmallow",
            "psycopg",
            "starlette",
            "uvicorn",
        ]
    names = (re.split(r"[^A-Za-z0-9._-]", text, maxsplit=1)[0] for text in requirements)
    return sorted(set(names))


def settings(environ: Mapping[str, str]) -> dict[str, str]:
    """Return each setting that is set, with its value where that can be no secret."""
    return {
        name: _shown(name, value)
        for name, value in sorted(environ.items())
        if _SETTING.fullmatch(name)
    }


def _shown(name: str, value: str) -> str:
    if name in _SHOWN:
        return (
            value if re.fullmatch(r"[A-Za-z0-9.:_-]{0,60}", value) else "set, in an unexpected form"
        )
    if name.endswith("_FILE"):
        return "set, a file that can be read" if os.access(value, os.R_OK) else "set, NOT readable"
    if _ADDRESSES.fullmatch(name):
        return _address(value)
    return "set" if value else "empty"


def _address(value: str) -> str:
    """Return scheme, host and port of an address, without user, password or path."""
    try:
        parts = urlsplit(value)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "set, not an address"
    known = re.fullmatch(r"[a-z0-9+.-]{1,20}", parts.scheme) and re.fullmatch(r"[\w.:-]*", host)
    if not known:
        return "set, not an address"
    return f"{parts.scheme}://{host}" + (f":{port}" if port else "")


def _of_ledger(environ: Mapping[str, str]) -> list[Part]:
    try:
        chosen = read_settings(environ)
    except BadSettings as error:
        return [_part("ledger.json", "nothing: the settings are not complete", _error(error))]
    facts = {"migrations": _ask(partial(_migrations, chosen.database_url))}
    events: Any = []
    server: Any = []
    try:
        with Ledger.open(chosen.database_url, application_name="broker doctor") as ledger:
            answers = _answers(ledger)
            events, server = answers.pop("events"), answers.pop("server")
            facts |= answers
    except BrokerError as error:
        facts["ledger"] = _error(error)
    return [
        _part("ledger.json", "migrations, policy, what ends, queues, workers, dead letters", facts),
        _part("events.json", f"the kinds of the last {EVENTS} events, without ids", events),
        _part("server.json", "PostgreSQL's settings that matter here", server),
        _part("wakeups.json", "how many wake-ups wait in each lane", _wakeups(chosen.wakeup_url)),
    ]


def _migrations(url: str) -> list[dict[str, Any]]:
    return [
        {
            "name": migration.name,
            "applied": migration.applied,
            "sha256": migration.sha256.hex(),
        }
        for migration in migrate.status(url)
    ]


def _answers(ledger: Ledger) -> dict[str, Any]:
    """Ask the ledger every question, unless it does not respond: each would wait for it."""
    questions = _questions(ledger)
    try:
        ledger.ping()
    except Unavailable as error:
        return {name: _error(error) for name in questions}
    return {name: _ask(question) for name, question in questions.items()}


def _questions(ledger: Ledger) -> Mapping[str, Callable[[], Any]]:
    now = ledger.queries.clock
    return {
        "policies": lambda: [asdict(policy) for policy in ledger.policies.policies(limit=POLICIES)],
        "endings": lambda: _endings(ledger, now()),
        "referrals": ledger.support_bundle.referral_states,
        "queues": lambda: [
            asdict(work) for work in ledger.monitoring.open_work(now=now()).values()
        ],
        "pipes": lambda: {
            name: value
            for name, value in asdict(ledger.monitoring.pipeline_status(now=now())).items()
            if name != "sweeper"
        },
        "leads": lambda: _without_hosts(ledger.support_bundle.leads()),
        "dead_letters": lambda: [
            asdict(dead_letter) for dead_letter in ledger.monitoring.dead_letters()
        ],
        "stopped": lambda: [
            {"agency": presence.agency, "since": presence.stopped_at}
            for presence in ledger.monitoring.organisation_status().values()
            if presence.stopped_at
        ],
        "tables": ledger.support_bundle.table_facts,
        "events": partial(ledger.support_bundle.recent_kinds, limit=EVENTS),
        "server": ledger.support_bundle.server_facts,
    }


def _endings(ledger: Ledger, now: datetime) -> list[dict[str, Any]]:
    """Return what of the policy in force ends, as of today."""
    policy = PolicyCache(ledger, CHANNELS.forms).latest()
    return [asdict(ending) for ending in endings(policy, on=now.astimezone(LOCAL).date())]


def _without_hosts(leads: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Leave out the names of the workers' machines."""
    return [
        {
            "name": "worker" if lead["name"].startswith("worker ") else lead["name"],
            "until": lead["until"],
        }
        for lead in leads
    ]


def _wakeups(url: str) -> Any:
    wakeups = Wakeups(url, new_id=new_uuid7)
    try:
        return wakeups.waiting(TASK_QUEUES) or {"error": "unavailable"}
    finally:
        wakeups.close()


def _ask(question: Callable[[], Any]) -> Any:
    """Return the answer, or the code of its error, so that a fault hides nothing else."""
    try:
        return question()
    except Exception as error:
        return _error(error)


def _error(error: Exception) -> dict[str, str]:
    return {"error": type(error).__name__, "code": str(getattr(error, "code", ""))}


def _part(name: str, title: str, value: Any) -> Part:
    return Part(name, title, json.dumps(value, indent=2, default=_plain).encode() + b"\n")


def _plain(value: Any) -> str:
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _archive(file: Path, parts: Iterable[Part], at: datetime) -> None:
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Failure(
            f"{file} exists already.", next_step="name another file", code=FAILED
        ) from None
    with (
        os.fdopen(descriptor, "wb") as out,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as zipped,
    ):
        for part in parts:
            entry = zipfile.ZipInfo(f"broker-support/{part.name}", at.timetuple()[:6])
            entry.external_attr = 0o600 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            zipped.writestr(entry, part.body)
