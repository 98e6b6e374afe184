"""What an operator may set: one frozen value, read once from the environment and checked at start.

``BROKER_X_FILE`` names a file that holds ``BROKER_X``, for whatever is secret.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from broker.declared_settings import DeclaredSetting
from broker.domain.codes import Right
from broker.engine_addresses import Use, unfit
from broker.errors import Fault, Invalid

COMMAND_NAMES = frozenset(
    {
        "BROKER_URL",
        "BROKER_KEY",
        "BROKER_KEY_FILE",
        "BROKER_POLICY_DIR",
        "BROKER_APPLICATION_ROLE",
        "BROKER_READER_ROLE",
    }
)
"""Read by single commands of the command line; no settings of the gateway or a worker."""
NO_YES = ("no", "yes")
QUEUE_TYPES = ("quorum", "classic")
LOG_LEVELS = ("debug", "info", "warning", "error")
LONGEST_LEASE_SECONDS = 86_400
SHORTEST_KEY_BYTES = 32
SHORTEST_CLIENT_SECRET = 16
"""In characters: somebody with a signed cookie could try out shorter ones."""
MOST_CONNECTIONS = 100_000
NOTIFY_URL = "https://api.notifications.service.gov.uk"
_HEX = "[0-9a-fA-F]"
_UUID = re.compile(f"{_HEX}{{8}}(-{_HEX}{{4}}){{3}}-{_HEX}{{12}}")
_NOTIFY_KEY = re.compile(f".{{1,255}}-(?P<service>{_UUID.pattern})-(?P<secret>{_UUID.pattern})")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class BadSettings(Invalid):
    """The environment does not say what the broker needs; ``faults`` names every variable."""

    code = "bad-settings"

    def __str__(self) -> str:
        """Name every fault: this may be all that is seen of it."""
        told = (f"{fault.pointer}: {fault.message}" for fault in self.faults)
        return " ".join((self.message, *told))


@dataclass(frozen=True, slots=True)
class OpenIdProvider:
    """Where people sign in, and what it tells of them."""

    issuer: str
    """Its address, exactly as its tokens name it (BROKER_OIDC_ISSUER)."""
    client_id: str
    """What it knows the broker by (BROKER_OIDC_CLIENT_ID)."""
    client_secret: str = field(repr=False)
    """How the broker proves itself to it (BROKER_OIDC_CLIENT_SECRET)."""
    claim: str = "groups"
    """The claim that lists a person's groups (BROKER_OIDC_CLAIM)."""
    rights: Mapping[str, frozenset[Right]] = field(default_factory=dict)
    """The rights of each group: ``group=view+act; other=all`` (BROKER_OIDC_RIGHTS)."""
    scope: str = "openid profile"
    """What it is asked for (BROKER_OIDC_SCOPE)."""


@dataclass(frozen=True, slots=True)
class NotifyService:
    """The service at GOV.UK Notify that sends text messages."""

    url: str
    """Where Notify is (BROKER_NOTIFY_URL)."""
    service: str
    """The service's id, from the key."""
    secret: str = field(repr=False)
    """The secret of the key (BROKER_NOTIFY_KEY)."""
    template: str
    """The id of a template that is ``((message))`` and nothing else (BROKER_NOTIFY_TEMPLATE)."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that differs between two installations. Addresses may hold passwords: no repr."""

    database_url: str = field(repr=False)
    """PostgreSQL, the ledger (BROKER_DATABASE_URL)."""
    wakeup_url: str = field(repr=False)
    """The Valkey that carries wake-ups; no agency may reach it (BROKER_WAKEUP_URL)."""
    exchange_url: str = field(repr=False)
    """The message broker that holds the agencies' queues (BROKER_EXCHANGE_URL)."""
    _: KW_ONLY
    exchange_queue_type: str = "quorum"
    """How queues are made that are not at a RabbitMQ yet (BROKER_EXCHANGE_QUEUE_TYPE)."""
    child_key: bytes | None = field(default=None, repr=False)
    """The secret under which children are known again, in hex, at least 32 bytes; without it
    nothing is counted (BROKER_CHILD_KEY)."""
    http_host: str = "127.0.0.1"
    """The address that the gateway listens on (BROKER_HTTP_HOST)."""
    http_port: int = 8080
    """The port that the gateway listens on (BROKER_HTTP_PORT)."""
    connections: int = 4000
    """How many connections one gateway holds open (BROKER_CONNECTIONS)."""
    connections_per_address: int = 500
    """How many of them one address may have; a proxy may have all
    (BROKER_CONNECTIONS_PER_ADDRESS)."""
    trusted_proxies: Sequence[Network] = ()
    """The networks of the proxies that are believed who a caller is (BROKER_TRUSTED_PROXIES)."""
    lease: timedelta = timedelta(seconds=60)
    """How long an agency may keep a delivery before it is offered again (BROKER_LEASE_SECONDS)."""
    receipt_window: timedelta = timedelta(minutes=5)
    """How far the time in a message of receipts may differ (BROKER_RECEIPT_WINDOW_SECONDS)."""
    accept_old_signatures: bool = False
    """Whether receipts signed with a credential's digest count (BROKER_ACCEPT_OLD_SIGNATURES)."""
    clock_bound: timedelta = timedelta(seconds=30)
    """How far a process's clock may be from the ledger's (BROKER_CLOCK_BOUND_SECONDS); beyond it
    the process neither leads nor accepts."""
    public_url: str = ""
    """Where people reach the console, for links in notices (BROKER_PUBLIC_URL)."""
    smtp_url: str = field(default="", repr=False)
    """The mail server for notices, smtp:// or smtps:// (BROKER_SMTP_URL); without it, no mail."""
    smtp_sender: str = "broker@localhost"
    """The address that notices come from (BROKER_SMTP_SENDER)."""
    webhook_key: str = field(default="", repr=False)
    """Signs notices by webhook (BROKER_WEBHOOK_KEY); without it, none are sent."""
    webhooks_may_be_private: bool = False
    """Whether webhooks may lead into the own network, unencrypted (BROKER_WEBHOOK_PRIVATE)."""
    commands: Mapping[str, str] = field(default_factory=dict)
    """Programs for notices by name: ``name=/path,…`` (BROKER_NOTICE_COMMANDS)."""
    notify: NotifyService | None = None
    """What sends text messages; without it, none are sent (BROKER_NOTIFY_…)."""
    provider: OpenIdProvider | None = None
    """The OpenID provider at which people sign in; without it, by links alone (BROKER_OIDC_…)."""
    side_log: Path | None = None
    """A file on another disk than the ledger, for what a restore must not undo
    (BROKER_SIDE_LOG)."""
    clock_file: Path | None = None
    """Tests alone: a file that says what time it is (BROKER_CLOCK_FILE)."""
    points_dir: Path | None = None
    """Tests alone: a folder of orders for named points (BROKER_POINTS_DIR)."""
    traces_url: str = field(default="", repr=False)
    """Where traces go, OTLP over HTTP: ``http://collector:4318/v1/traces`` (BROKER_TRACES_URL);
    without it there are none."""
    traces_percent: int = 100
    """Of how many referrals in a hundred (BROKER_TRACES_PERCENT)."""
    disks: tuple[str, ...] = ()
    """Folders whose disks must have room, such as that of PostgreSQL's data (BROKER_DISKS)."""
    heartbeat_url: str = field(default="", repr=False)
    """What is called each minute while the broker works, so that an outside monitor notices when it
    does not (BROKER_HEARTBEAT_URL); without it nothing is."""
    test_referral_every: timedelta = timedelta(0)
    """How often a test referral goes the whole way (BROKER_TEST_REFERRAL_MINUTES); 0: never."""
    gateways_sweep: bool = False
    """Whether gateways do the work of a worker's services too (BROKER_GATEWAYS_SWEEP)."""
    log_level: str = "info"
    """debug, info, warning or error (BROKER_LOG_LEVEL)."""
    declared: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What is set of the settings that channels and intakes declare, by variable."""

    @classmethod
    def from_environ(
        cls, environ: Mapping[str, str], *, declared: Sequence[DeclaredSetting] = ()
    ) -> Settings:
        """Read the settings, those that channels and intakes declare included.

        Raises BadSettings with every fault at once.
        """
        reading = _Reading({k: v for k, v in environ.items() if k.startswith("BROKER_")})
        settings = cls(
            database_url=reading.address("BROKER_DATABASE_URL", Use.LEDGER),
            wakeup_url=reading.address("BROKER_WAKEUP_URL", Use.WAKEUPS),
            exchange_url=reading.address("BROKER_EXCHANGE_URL", Use.EXCHANGE),
            exchange_queue_type=reading.one_of(
                "BROKER_EXCHANGE_QUEUE_TYPE", QUEUE_TYPES, QUEUE_TYPES[0]
            ),
            child_key=reading.key("BROKER_CHILD_KEY"),
            http_host=reading.text("BROKER_HTTP_HOST", "127.0.0.1"),
            http_port=reading.whole("BROKER_HTTP_PORT", 8080, highest=65_535),
            connections=reading.whole("BROKER_CONNECTIONS", 4000, highest=MOST_CONNECTIONS),
            connections_per_address=reading.whole(
                "BROKER_CONNECTIONS_PER_ADDRESS", 500, highest=MOST_CONNECTIONS
            ),
            trusted_proxies=reading.networks("BROKER_TRUSTED_PROXIES"),
            lease=reading.seconds("BROKER_LEASE_SECONDS", 60, highest=LONGEST_LEASE_SECONDS),
            receipt_window=reading.seconds("BROKER_RECEIPT_WINDOW_SECONDS", 300, highest=86_400),
            accept_old_signatures=reading.flag("BROKER_ACCEPT_OLD_SIGNATURES"),
            clock_bound=reading.seconds("BROKER_CLOCK_BOUND_SECONDS", 30, highest=86_400),
            public_url=reading.text("BROKER_PUBLIC_URL", "").rstrip("/"),
            smtp_url=reading.secret("BROKER_SMTP_URL", needed=False),
            smtp_sender=reading.text("BROKER_SMTP_SENDER", "broker@localhost"),
            webhook_key=reading.secret("BROKER_WEBHOOK_KEY", needed=False),
            webhooks_may_be_private=reading.flag("BROKER_WEBHOOK_PRIVATE"),
            commands=reading.pairs("BROKER_NOTICE_COMMANDS"),
            notify=reading.notify(),
            provider=reading.provider(),
            side_log=reading.path("BROKER_SIDE_LOG"),
            clock_file=reading.path("BROKER_CLOCK_FILE"),
            points_dir=reading.path("BROKER_POINTS_DIR"),
            traces_url=reading.web_address("BROKER_TRACES_URL"),
            traces_percent=reading.whole("BROKER_TRACES_PERCENT", 100, highest=100),
            disks=reading.paths("BROKER_DISKS"),
            heartbeat_url=reading.web_address("BROKER_HEARTBEAT_URL"),
            test_referral_every=timedelta(
                minutes=reading.whole("BROKER_TEST_REFERRAL_MINUTES", 0, lowest=0, highest=60)
            ),
            gateways_sweep=reading.flag("BROKER_GATEWAYS_SWEEP"),
            log_level=reading.one_of("BROKER_LOG_LEVEL", LOG_LEVELS, "info"),
            declared={setting.name: reading.declared(setting) for setting in declared},
        )
        reading.finish()
        return settings


class _Reading:
    """Takes names out of the environment and gathers what is wrong with them."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given
        self._known = set(COMMAND_NAMES)
        self._faults: list[Fault] = []

    def text(self, name: str, default: str) -> str:
        self._known.add(name)
        return self._given.get(name, default)

    def declared(self, setting: DeclaredSetting) -> str:
        """Return a setting that may be left out."""
        if setting.is_secret:
            return self.secret(setting.name, needed=False)
        return self.text(setting.name, "")

    def path(self, name: str) -> Path | None:
        text = self.text(name, "")
        return Path(text) if text else None

    def paths(self, name: str) -> tuple[str, ...]:
        """Return absolute paths, which stand with commas between them."""
        paths = tuple(filter(None, map(str.strip, self.text(name, "").split(","))))
        if not all(path.startswith("/") for path in paths):
            self._fault(name, "wrong-form", "Use absolute paths, with commas between.")
        return paths

    def pairs(self, name: str) -> Mapping[str, str]:
        found = {}
        for pair in filter(None, self.text(name, "").split(",")):
            key, equals, value = pair.strip().partition("=")
            if not key or not equals or not value.startswith("/"):
                self._fault(name, "wrong-form", "Use name=/path/of/program, with commas between.")
            found[key] = value
        return found

    def networks(self, name: str) -> Sequence[Network]:
        """Return addresses and networks, with commas between them."""
        networks: list[Network] = []
        for text in filter(None, map(str.strip, self.text(name, "").split(","))):
            try:
                networks.append(ipaddress.ip_network(text))
            except ValueError:
                self._fault(name, "wrong-form", "Use addresses or networks: 192.0.2.7,10.0.0.0/24")
        return tuple(networks)

    def secret(self, name: str, *, needed: bool = True) -> str:
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
        if needed and not value:
            self._fault(name, "missing", f"Set {name} or {name}_FILE.")
        return value

    def address(self, name: str, use: Use) -> str:
        """Return the address of a server that is needed, and fit for its use."""
        url = self.secret(name)
        if url and (reason := unfit(url, use)):
            self._fault(name, "wrong-form", reason)
        return url

    def web_address(self, name: str) -> str:
        """Return an address that may be left out, and may hold a password."""
        url = self.secret(name, needed=False)
        if url and not url.startswith(("http://", "https://")):
            self._fault(name, "wrong-form", "Use http://… or https://…, with the whole path.")
        return url

    def key(self, name: str) -> bytes | None:
        """Return a secret key that may be left out, written in hex."""
        text = self.secret(name, needed=False)
        try:
            key = bytes.fromhex(text)
        except ValueError:
            key = b""
        if text and len(key) < SHORTEST_KEY_BYTES:
            told = f"Use at least {SHORTEST_KEY_BYTES} random bytes in hex: openssl rand -hex 32."
            self._fault(name, "no-key", told)
        return key or None

    def notify(self) -> NotifyService | None:
        """Return the service at Notify that is set, whole or not at all."""
        key = self.secret("BROKER_NOTIFY_KEY", needed=False)
        template = self.text("BROKER_NOTIFY_TEMPLATE", "")
        url = self.text("BROKER_NOTIFY_URL", NOTIFY_URL).rstrip("/")
        if bool(key) != bool(template):
            missing = "BROKER_NOTIFY_TEMPLATE" if key else "BROKER_NOTIFY_KEY"
            self._fault(missing, "missing", f"Set {missing}: text messages are set in part.")
        parts = _NOTIFY_KEY.fullmatch(key)
        if key and parts is None:
            told = "Use the key as Notify shows it: a name and two UUIDs, with hyphens."
            self._fault("BROKER_NOTIFY_KEY", "no-key", told)
        if template and not _UUID.fullmatch(template):
            self._fault("BROKER_NOTIFY_TEMPLATE", "wrong-form", "Use the template's ID, a UUID.")
        if not is_safe_url(url):
            told = "Use an https:// address without a query; http:// on this machine alone."
            self._fault("BROKER_NOTIFY_URL", "not-encrypted", told)
        return NotifyService(url, parts["service"], parts["secret"], template) if parts else None

    def provider(self) -> OpenIdProvider | None:
        """Return the OpenID provider that is set, whole or not at all."""
        names = ("BROKER_OIDC_ISSUER", "BROKER_OIDC_CLIENT_ID")
        issuer, client_id = (self.text(name, "") for name in names)
        secret = self.secret("BROKER_OIDC_CLIENT_SECRET", needed=False)
        found = OpenIdProvider(
            issuer=issuer,
            client_id=client_id,
            client_secret=secret,
            claim=self.text("BROKER_OIDC_CLAIM", "groups"),
            rights=self._rights("BROKER_OIDC_RIGHTS"),
            scope=self.text("BROKER_OIDC_SCOPE", "openid profile"),
        )
        if not (issuer or client_id or secret or found.rights):
            return None
        for name, given in zip(names, (issuer, client_id), strict=True):
            if not given:
                self._fault(name, "missing", f"Set {name}: a provider is set in part.")
        if len(secret) < SHORTEST_CLIENT_SECRET:
            told = f"Set the secret, of {SHORTEST_CLIENT_SECRET} characters or more."
            self._fault("BROKER_OIDC_CLIENT_SECRET", "no-key", told)
        if "openid" not in found.scope.split():
            self._fault("BROKER_OIDC_SCOPE", "wrong-form", "It must ask for openid.")
        for name in ("BROKER_OIDC_ISSUER", "BROKER_PUBLIC_URL"):
            if not is_safe_url(self.text(name, "")):
                told = "Use an https:// address without a query; http:// on this machine alone."
                self._fault(name, "not-encrypted", told)
        return found

    def _rights(self, name: str) -> Mapping[str, frozenset[Right]]:
        """Read ``group=view+act; other=all``; a group's name may hold anything but a semicolon."""
        found: dict[str, frozenset[Right]] = {}
        for pair in filter(str.strip, self.text(name, "").split(";")):
            group, _, words = (part.strip() for part in pair.rpartition("="))
            rights = list(Right) if words == "all" else [word.strip() for word in words.split("+")]
            if not group or not set(rights) <= set(Right):
                told = f"Use group=right+right; with rights of {', '.join(Right)}, or all."
                self._fault(name, "wrong-form", told)
                continue
            found[group] = frozenset(Right(right) for right in rights)
        return found

    def whole(self, name: str, default: int, *, highest: int, lowest: int = 1) -> int:
        text = self.text(name, str(default))
        if text.isascii() and text.isdecimal() and lowest <= int(text) <= highest:
            return int(text)
        self._fault(name, "not-in-range", f"Use a whole number from {lowest} to {highest}.")
        return default

    def seconds(self, name: str, default: int, *, highest: int) -> timedelta:
        return timedelta(seconds=self.whole(name, default, highest=highest))

    def flag(self, name: str) -> bool:
        """Return whether a setting is ``yes``; it is ``no`` where it is left out."""
        return self.one_of(name, NO_YES, "no") == "yes"

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
            raise BadSettings("The settings cannot be used.", faults=self._faults)

    def _hint(self, name: str) -> str:
        near = difflib.get_close_matches(name, sorted(self._known), n=1)
        return f" Did you mean {near[0]}?" if near else ""

    def _fault(self, name: str, code: str, message: str) -> None:
        self._faults.append(Fault(name, code, message))


def is_safe_url(text: str) -> bool:
    """Tell whether an address is encrypted or of this machine, and holds nothing secret."""
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        return False
    plain = parts.scheme == "http" and host in LOOPBACK
    bare = not (parts.query or parts.fragment or parts.username or parts.password)
    # Splitting drops line breaks, which would end a header.
    clean = text.isascii() and text.isprintable() and " " not in text
    return bool(host) and bare and clean and (parts.scheme == "https" or plain)
