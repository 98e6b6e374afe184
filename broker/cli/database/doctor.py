"""``broker doctor``: checks everything that a broker needs, with the next step for each fault."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

import click

from broker.admin import api_keys, signing_keys
from broker.bootstrap import new_uuid7, notifiers, read_settings
from broker.channels.base import Channel
from broker.channels.registry import CHANNELS, ChannelRegistry
from broker.cli.database.findings import Failed, Finding, Warned
from broker.cli.database.proof_check import look_at_proofs
from broker.cli.database.sign_in_check import look_at_sign_in
from broker.cli.database.support_bundle import Part, write
from broker.cli.exit_codes import DONE, FAILED
from broker.cli.options import json_option
from broker.cli.output import LOCAL, print_json, print_styled, remark
from broker.domain.codes import EpochReason, NoticeState
from broker.domain.credential import CALLS_PER_SECOND
from broker.engine_addresses import is_valkey
from broker.errors import (
    BrokerError,
    Invalid,
    LedgerRefused,
    Misconfigured,
    PolicyError,
    Unavailable,
)
from broker.flow.policy_cache import PolicyCache
from broker.ledger import migrate
from broker.ledger.ledger import Ledger
from broker.ledger_clock import LedgerClock
from broker.notices.sms import Sms
from broker.policy.monitoring.health import LARGEST_CLOCK_DIFFERENCE
from broker.policy.monitoring.reach import unset_channels
from broker.policy.places.gazetteer import installed
from broker.policy.places.postcodes import authorities
from broker.policy.published.expiry import NOTICE, ending_soon
from broker.policy.published.policy import Policy
from broker.settings import BadSettings, Settings
from broker.transport.exchange_users import default_reads_all, guest_may_enter
from broker.transport.memory_policy import KEEPS_ALL, eviction
from broker.transport.queues import AgencyQueues
from broker.transport.signatures import CopySigner
from broker.transport.wakeups import Wakeups

LARGEST_DIFFERENCE = timedelta(seconds=LARGEST_CLOCK_DIFFERENCE)
LONGEST_UNROUTED = timedelta(seconds=60)
LISTED = 5
LONGEST_LIST = 1_000
SYNCHRONISE = "synchronise the clocks of both machines (NTP)"
RECENT = timedelta(days=1)
"""How long a notice that failed counts as a fault: it was to be acted on by then."""
REGISTER = (
    "`broker keys agency-key new --for copies` at the agency, then `broker keys register` here"
)


Check = Callable[[], str]


@click.command()
@click.option(
    "--bundle",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write an archive (zip) for support, without content, references or secrets.",
)
@json_option
def doctor(bundle: Path | None, as_json: bool) -> int:
    """Check settings, ledger, policy, message brokers, clock and workers. Changes nothing.

    Exit code 1 when something is wrong; each fault comes with its next step. Calendar data and
    entries of the directory that end within 90 days are warnings.

    \b
    Example:    broker doctor --bundle support.zip
    """
    findings = list(examine())
    healthy = all(finding.ok for finding in findings)
    parts = write(bundle, findings, os.environ) if bundle else []
    if as_json:
        result = {"ok": healthy, "findings": [asdict(finding) for finding in findings]}
        print_json(result | ({"bundle": _listed(bundle, parts)} if bundle else {}))
    else:
        for finding in findings:
            _print_finding(finding)
        if bundle:
            _print_bundle(bundle, parts)
    return DONE if healthy else FAILED


def _listed(bundle: Path, parts: Sequence[Part]) -> dict[str, object]:
    return {"file": str(bundle), "parts": {part.name: part.title for part in parts}}


def _print_bundle(bundle: Path, parts: Sequence[Part]) -> None:
    click.echo(f"\nWrote {bundle}, {bundle.stat().st_size:,} bytes, for you alone to read:")
    for part in parts:
        click.echo(f"  {part.name:<16}{part.title}")
    remark("next:  read it, then send it; it holds no content, references, people or secrets")


def examine() -> Iterator[Finding]:
    """Run every check in order; stop where the next ones would only repeat a failure."""
    try:
        settings = read_settings()
    except BadSettings as error:
        yield Finding("settings", False, str(error), "set what is named; see docs/operations.md")
        return
    yield Finding("settings", True, "complete")
    yield _look("wake-ups", partial(_wakes, settings.wakeup_url))
    yield _look("exchange", partial(_exchanges, settings))
    yield _look("users", partial(_users, settings.exchange_url))
    tables = _look("ledger", partial(_migrated, settings.database_url))
    yield tables
    if tables.ok:
        with Ledger.open(settings.database_url, application_name="broker doctor") as ledger:
            yield from _inside(ledger, settings)


def _inside(ledger: Ledger, settings: Settings) -> Iterator[Finding]:
    now = ledger.queries.clock()
    yield _look("version", partial(_fits, ledger))
    yield _look("roles", partial(_roles, ledger))
    yield _look("sessions", partial(_sessions, ledger))
    yield _look("clock", partial(_clock, ledger, settings))
    yield _look("clocks", partial(_clocks, ledger))
    yield _look("policy", partial(_policy, ledger))
    yield _look("restore", partial(_restored, ledger, settings, now))
    yield _look("channels", partial(look_at_channels, ledger, settings, CHANNELS))
    yield _look("notices", partial(_notices, ledger, settings, now))
    yield _look("keys", partial(_limits, ledger, now))
    yield _look("signatures", partial(_signatures, ledger, settings, now))
    yield _look("encryption", partial(_encrypted, ledger, now))
    yield _look("sign-in", partial(look_at_sign_in, ledger, settings))
    yield _look("children", partial(_counted, ledger, settings))
    yield _look("places", _places)
    yield _look("calendars", partial(_calendars, ledger, now.astimezone(LOCAL).date()))
    yield _look("workers", partial(_led, ledger, now))
    yield _look("routing", partial(_routed, ledger, now))
    yield _look("proofs", partial(look_at_proofs, ledger, now))


def _look(name: str, check: Check) -> Finding:
    try:
        return Finding(name, True, check())
    except Warned as warning:
        return Finding(name, True, warning.detail, warning.next_step, warning=True)
    except Failed as failure:
        return Finding(name, False, failure.detail, failure.next_step)
    except LedgerRefused as error:
        return Finding(name, False, error.reason, error.next_step)
    except BrokerError as error:
        next_step = getattr(error, "next_step", "run it again; if it stays, read the log")
        return Finding(name, False, error.message, next_step)


def _wakes(url: str) -> str:
    """Do with the Valkey of wake-ups what the work does, by the same client."""
    wakeups = Wakeups(url, new_id=new_uuid7)
    with closing(wakeups):
        return _reached(wakeups.check, url, "BROKER_WAKEUP_URL")


def _exchanges(settings: Settings) -> str:
    """Ask the agencies' message broker for what the work asks of it, by the same client."""
    queues = AgencyQueues(settings.exchange_url, queue_type=settings.exchange_queue_type)
    with closing(queues):
        return _reached(queues.check, settings.exchange_url, "BROKER_EXCHANGE_URL")


def _reached(check: Callable[[], None], url: str, name: str) -> str:
    try:
        check()
    except Misconfigured as error:
        raise Failed(error.message, f"correct its users and queues, or {name}") from None
    except Unavailable:
        raise Failed("does not respond", f"start it, or correct {name}") from None
    if (evicts := eviction(url)) not in (None, KEEPS_ALL):
        raise Failed(
            f"responds, but deletes messages when its memory is full ({evicts})",
            f"set its maxmemory-policy to {KEEPS_ALL}",
        )
    return "responds"


def _users(url: str) -> str:
    """Check that no password opens every agency's queue."""
    if not is_valkey(url):
        return _rabbitmq_users(url)
    try:
        shared = default_reads_all(url)
    except Unavailable:
        return "are not looked at: the exchange does not answer"
    if shared:
        raise Failed(
            "the exchange's user 'default' can read every agency's queue",
            "give the broker and each agency a user (`broker keys exchange-user`), then turn "
            "'default' off",
        )
    return "of the exchange read their own queues"


def _rabbitmq_users(url: str) -> str:
    """Check that nobody enters a RabbitMQ with the password that everybody knows."""
    try:
        is_open = guest_may_enter(url)
    except Unavailable:
        return "are not looked at: the exchange does not answer"
    if is_open:
        raise Failed(
            "the exchange lets in 'guest', who may read every agency's queue, with the password "
            "that everybody knows",
            "give the broker and each agency a user (`broker keys exchange-user`), then "
            "`rabbitmqctl delete_user guest`",
        )
    return "'guest' cannot enter; what others may do, `rabbitmqctl list_permissions` says"


def _limits(ledger: Ledger, now: datetime) -> str:
    """Say how many calls keys may make."""
    usable = [key for key in ledger.credentials.credentials() if api_keys.is_usable(key, now)]
    own = [key.calls_per_second for key in usable if key.calls_per_second]
    more = f"; limits of their own: {len(own)}, up to {max(own):,}" if own else ""
    return f"{len(usable)} in use, {CALLS_PER_SECOND} calls a second each{more}"


def _signatures(ledger: Ledger, settings: Settings, now: datetime) -> str:
    """Check that agencies can verify what this broker signs, and that receipts prove something."""
    pem = settings.declared.get("BROKER_SIGNING_KEY")
    if pem:
        try:
            id_ = CopySigner(pem).public.id
        except Invalid as error:
            raise Failed(error.message, "correct BROKER_SIGNING_KEY_FILE") from None
        if id_ not in {key.id for key in signing_keys.published(ledger, now=now)}:
            raise Failed(
                "the signing key is not published: agencies drop every copy",
                "`broker keys signing new` makes one, and BROKER_SIGNING_KEY_FILE names it",
            )
    if settings.accept_old_signatures:
        raise Warned(
            "receipts in the old form are accepted: a reader of the ledger can forge them",
            "register agencies' keys (`broker keys register`), then set "
            "BROKER_ACCEPT_OLD_SIGNATURES to no",
        )
    return "of copies can be verified" if pem else "are not needed: nothing is sent to queues"


def _encrypted(ledger: Ledger, now: datetime) -> str:
    """Check that every agency whose copies must be encrypted has registered a key for them."""
    directory = _in_force(ledger).directory
    able = [
        organisation
        for organisation in directory.organisations
        if organisation.channel in CHANNELS.forms and CHANNELS.forms[organisation.channel].encrypts
    ]
    keys = ledger.queue_keys.newest_encryption_keys({agency.code for agency in able}, now)
    without = [organisation for organisation in able if organisation.code not in keys]
    if required := [organisation.code for organisation in without if organisation.encrypted]:
        raise Failed(
            f"nothing is sent to {', '.join(required[:LISTED])}: its copies must be encrypted, "
            "and it has no key",
            REGISTER,
        )
    if without:
        listed = ", ".join(organisation.code for organisation in without[:LISTED])
        raise Warned(f"copies in queues are not encrypted for {listed}", REGISTER)
    return f"of copies: {len(able)} agencies with queues have a key"


def _migrated(url: str) -> str:
    try:
        waiting = [migration.name for migration in migrate.status(url) if not migration.applied]
    except LedgerRefused:
        raise
    except Unavailable:
        raise Failed("does not respond", "start it, or correct BROKER_DATABASE_URL") from None
    if waiting:
        raise Failed(f"{len(waiting)} migrations wait", "run `broker migrate`")
    return "responds; its tables are up to date"


def _fits(ledger: Ledger) -> str:
    ledger.schema.check()
    return "of this broker fits the ledger's tables"


def _roles(ledger: Ledger) -> str:
    """Check that the broker's role cannot alter history, so that nobody can by its connection."""
    rights = ledger.schema.own_rights()
    can = {
        "is PostgreSQL's administrator": rights.is_superuser,
        "owns the tables": rights.is_owner,
        "may alter history": rights.alters_history,
    }
    if told := [what for what, is_so in can.items() if is_so]:
        raise Warned(
            f"{rights.role}, as which the broker works, {' and '.join(told)}",
            "give the broker a role of its own: docs/operations.md, Roles",
        )
    return f"{rights.role} can alter neither history nor tables"


def _sessions(ledger: Ledger) -> str:
    """Say whether a pooler lends sessions of PostgreSQL by transaction."""
    if ledger.has_own_sessions():
        return "of PostgreSQL are the broker's own"
    return "are lent by a pooler: limits are set in each transaction, nothing is prepared"


def _clock(ledger: Ledger, settings: Settings) -> str:
    """Compare the clock of this host with the ledger's."""
    clock = LedgerClock(ledger.queries.clock, bound=settings.clock_bound)
    clock.measure()
    difference = clock.difference
    largest = LARGEST_DIFFERENCE.total_seconds()
    if difference and difference.exceeds(largest):
        raise Failed(difference.description, SYNCHRONISE)
    return f"within {largest:g} s of the ledger's"


def _clocks(ledger: Ledger) -> str:
    """Look at what the gateways and workers that run report of their clocks."""
    clocks = ledger.process_clocks.present()
    apart = [clock for clock in clocks if clock.difference.is_apart]
    if apart:
        listed = "; ".join(f"{clock.process}: {clock.difference.description}" for clock in apart)
        raise Failed(f"{listed}: it does no work until its clock is right", SYNCHRONISE)
    largest = LARGEST_DIFFERENCE.total_seconds()
    if clocks and clocks[0].difference.exceeds(largest):
        furthest = f"{clocks[0].process}: {clocks[0].difference.description}"
        raise Warned(furthest, SYNCHRONISE)
    return f"{len(clocks)} gateways and workers report theirs, all within {largest:g} s"


def _policy(ledger: Ledger) -> str:
    return f"version {_in_force(ledger).version} is in force"


def _restored(ledger: Ledger, settings: Settings, now: datetime) -> str:
    """Check that no restore waits to be confirmed, and that the next one would undo no recall."""
    epoch = ledger.epochs.present()
    if epoch.in_quarantine:
        count = sum(ledger.epochs.kept_back().values())
        raise Failed(
            f"the ledger was restored ({epoch.reason}): {count} older deliveries are kept back",
            "follow docs/backup-and-restore.md to `broker restore confirm`",
        )
    if epoch.reason is EpochReason.PROMOTED and now - epoch.began_at < RECENT:
        raise Warned(
            "a standby was promoted within a day",
            "if it was not synchronous, or this was a restore: `broker restore begin`",
        )
    if settings.side_log is None:
        raise Warned(
            "a restore would undo recalls and ended keys: there is no side log",
            "set BROKER_SIDE_LOG to a file on another disk than the ledger",
        )
    return f"none waits to be confirmed; epoch {epoch.id} since {epoch.began_at:%d %b %Y}"


def _in_force(ledger: Ledger, registry: ChannelRegistry = CHANNELS) -> Policy:
    try:
        return PolicyCache(ledger, registry.forms).latest()
    except PolicyError as error:
        raise Failed(error.message, "run `broker policy publish`") from None


def look_at_channels(ledger: Ledger, settings: Settings, registry: ChannelRegistry) -> str:
    """Look at every channel that the directory uses, from this machine and with these settings.

    Raises Failed for one that cannot be used.
    """
    directory = _in_force(ledger, registry).directory
    used = {organisation.channel for organisation in directory.organisations}
    for kind in registry.channels:
        missing = kind.missing(settings.declared)
        if missing and kind.form.name in used:
            raise Failed(
                f"the directory uses {kind.form.name}, and its settings are not complete",
                f"set {', '.join(missing)}, or publish another channel for these organisations",
            )
    with registry.opened(settings, clock=ledger.queries.clock) as channels:
        return "; ".join(_channel(name, channels[name]) for name in sorted(used))


def _channel(name: str, channel: Channel) -> str:
    try:
        return f"{name} {channel.check()}"
    except Misconfigured as error:
        raise Failed(f"{name}: {error.message}", "correct its users, queues and rights") from None
    except Unavailable:
        raise Failed(
            f"{name}: the other side does not answer", "start it, or correct its settings"
        ) from None


def _notices(ledger: Ledger, settings: Settings, now: datetime) -> str:
    """Check that the people whom the policy alerts can be alerted, and that they were."""
    configured = notifiers(settings, ledger.queries.clock)
    unset = unset_channels(_in_force(ledger).alarms, configured)
    if unset:
        more = f" (and {len(unset) - 1} more)" if len(unset) > 1 else ""
        raise Failed(
            f"{unset[0]}, which is not set{more}",
            "set BROKER_SMTP_URL, BROKER_WEBHOOK_KEY, BROKER_NOTIFY_KEY or BROKER_NOTICE_COMMANDS, "
            "or publish another policy",
        )
    if settings.notify and (fault := Sms(settings.notify, clock=lambda: now).check()):
        raise Failed(
            f"text messages cannot be sent: {fault}",
            "see docs/operations.md, Text messages, for the key and the template",
        )
    failed = ledger.alarms.notices(state=NoticeState.FAILED, limit=LONGEST_LIST)
    recent = [notice for notice in failed if notice.ended_at and now - notice.ended_at < RECENT]
    if recent:
        raise Failed(
            f"{len(recent)} {'has' if len(recent) == 1 else 'have'} failed within a day",
            "`broker notices list --state failed` says whom to tell by telephone, and why",
        )
    return f"go out by {', '.join(sorted(map(str, configured)))}"


def _counted(ledger: Ledger, settings: Settings) -> str:
    """Check that referrals for a child are counted; nothing else reports a missing key."""
    rule = _in_force(ledger).recurrence
    if rule is None:
        return "the policy does not count referrals for a child"
    if settings.child_key is None:
        raise Failed(
            "referrals for a child are not counted: no key is set",
            "set BROKER_CHILD_KEY_FILE, the same everywhere: `openssl rand -hex 32` makes a key",
        )
    return f"{rule.count} graded {rule.grade} within {rule.window.days} days are reported"


def _places() -> str:
    """Check that postcodes can be looked up; without, routing goes on and finds no area by one."""
    gazetteer = installed()
    try:
        is_read = authorities("EH1 ") is not None
    except (OSError, ValueError):
        is_read = False
    if not is_read:
        raise Failed("postcodes cannot be read", "install the packages of the lock anew")
    return f"gazetteer {gazetteer.edition.version}, {len(gazetteer.authorities)} authorities"


def _calendars(ledger: Ledger, today: date) -> str:
    """Check that calendars go on: no deadline can be calculated past the end of one."""
    policy = PolicyCache(ledger, CHANNELS.forms).latest()
    soon = ending_soon(policy, on=today)
    if soon:
        listed = "; ".join(ending.words for ending in soon[:LISTED])
        more = f"; and {len(soon) - LISTED} more" if len(soon) > LISTED else ""
        kind = Failed if any(ending.last < today for ending in soon) else Warned
        raise kind(listed + more, "publish the data that follows with `broker policy publish`")
    if not policy.edition.source:
        raise Warned("the bank holidays name no source", "add 'source' and publish")
    return f"bank holidays {policy.edition.version}; nothing ends within {NOTICE.days} days"


def _led(ledger: Ledger, now: datetime) -> str:
    if ledger.monitoring.pipeline_status(now=now).seconds_unswept(now) > 0:
        raise Failed(
            "no worker leads the sweep: nothing is routed", "start one with `broker worker`"
        )
    return "a worker leads the sweep"


def _routed(ledger: Ledger, now: datetime) -> str:
    if ledger.sweep.due(now=now - LONGEST_UNROUTED).route:
        waited = f"a referral has waited longer than {LONGEST_UNROUTED.total_seconds():g} s"
        raise Failed(waited, "read the workers' log; start more with `broker worker`")
    return f"nothing has waited longer than {LONGEST_UNROUTED.total_seconds():g} s"


def _print_finding(finding: Finding) -> None:
    mark, colour = ("ok", "green") if finding.ok else ("FAULT", "red")
    if finding.warning:
        mark, colour = "WARN", "yellow"
    print_styled(f"{mark:<6}", fg=colour, nl=False)
    click.echo(f"{finding.check:<12}{finding.detail}")
    if finding.next_step:
        click.echo(f"      next: {finding.next_step}")
