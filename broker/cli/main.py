"""The command ``broker``: the table of its commands, and the exit code of an error.

Each command lives in a module of its own that is imported when the command runs, so that
``broker --help`` answers at once.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import click
from click.shell_completion import CompletionItem

from broker import __version__
from broker.cli.exit_codes import INTERRUPTED, Failure
from broker.cli.interrupt import Interrupted

DEVSTACK = "broker.devstack."
"""Commands in this package come with the extra ``devstack``, which production does not install."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A command: its line in the help, and its older names."""

    target: str
    """Module and name of its function; the module is below ``broker.cli`` or in the devstack."""
    help: str
    aliases: tuple[str, ...] = ()


SECTIONS: Mapping[str, Mapping[str, Entry]] = {
    "Try it out": {
        "demo": Entry(f"{DEVSTACK}demo:demo", "Run everything with sample agencies; check counts."),
        "up": Entry(f"{DEVSTACK}up:up", "Run everything on this machine until Ctrl-C."),
        "samples": Entry(f"{DEVSTACK}samples:samples", "Generate and list invented referrals."),
    },
    "Publish referrals (police)": {
        "publish": Entry("http.publish:publish", "Publish a referral, or check one."),
        "correct": Entry("http.correct:correct", "Correct a referral you published."),
        "recall": Entry("http.correct:recall", "Recall a referral: agencies must destroy it."),
        "status": Entry("http.status:status", "Show who has a referral, and by when."),
        "questions": Entry("http.questions:questions", "List what agencies ask; answer it."),
        "reconcile": Entry("http.reconcile:reconcile", "List occurrences that have no referral."),
        "timeline": Entry("http.timeline:timeline", "Show everything that happened to a referral."),
    },
    "Receive deliveries (agencies)": {
        "collect": Entry("http.collect:collect", "Collect deliveries, earliest deadline first."),
        "answer": Entry("http.answer:answer", "Acknowledge, decide or return a delivery."),
    },
    "Watch and act (ops)": {
        "attention": Entry("http.attention:attention", "List the referrals that need you."),
        "give-area": Entry("http.attention:give_area", "Set the area of an unroutable referral."),
        "retry-routing": Entry(
            "http.attention:retry_routing",
            "Route an unroutable or rejected referral again.",
            ("route-again",),
        ),
        "redirect": Entry(
            "http.attention:redirect",
            "Send a delivery to another agency or area.",
            ("reroute",),
        ),
        "holds": Entry("http.holds:holds", "List what is held; release, keep or extend it."),
        "tasks": Entry("http.tasks:tasks", "List what a person must settle, and settle it."),
        "escalations": Entry("http.escalations:escalations", "List missed deadlines; take one on."),
        "notices": Entry("http.notices:notices", "List notices to contacts; those that failed."),
        "pause-clock": Entry(
            "http.escalations:pause_clock",
            "Pause the deadlines of a delivery.",
            ("pause",),
        ),
        "resume-clock": Entry(
            "http.escalations:resume_clock",
            "Resume the deadlines of a delivery.",
            ("resume",),
        ),
        "suspend-agency": Entry(
            "http.queues:suspend_agency", "Stop offering deliveries to an agency."
        ),
        "resume-agency": Entry("http.queues:resume_agency", "Offer deliveries to an agency again."),
        "report": Entry("http.report:report", "Report times and deadlines of a period."),
        "top": Entry("http.monitor:top", "Watch queues and deadlines live."),
        "watch": Entry("http.monitor:watch", "Print deadlines as they come near."),
        "check": Entry("http.check:check", "Compare a figure with limits, for monitoring."),
        "queue": Entry("http.queues:queue", "Show agencies' queues."),
        "dead": Entry("http.dead:dead", "List dead letters, and replay them."),
    },
    "Calculate": {
        "deadline": Entry("files.deadline:deadline", "Calculate a deadline and explain it."),
    },
    "Administer": {
        "migrate": Entry("database.migrate:migrate", "Bring the ledger's tables up to date."),
        "restore": Entry("database.restore:restore", "Take the ledger up again after a restore."),
        "keys": Entry("database.keys:keys", "Issue, list, rotate, revoke and expire keys."),
        "people": Entry("database.people:people", "Let people sign in to the pages for ops."),
        "members": Entry("database.members:members", "Let people of organisations use the inbox."),
        "policy": Entry(
            "database.policy:policy", "Lint, compare, publish, show and explain policy."
        ),
        "directory": Entry(
            "database.directory:directory", "Lint, show and change the directory of agencies."
        ),
        "completion": Entry(
            "files.completion:completion", "Complete commands and options in your shell."
        ),
        "doctor": Entry("database.doctor:doctor", "Check this installation; say what to correct."),
    },
    "Run": {
        "serve": Entry("run.serve:serve", "Run the gateway."),
        "worker": Entry("run.worker:worker", "Run a Celery worker."),
    },
}

ENTRIES: Mapping[str, Entry] = {
    word: entry
    for entries in SECTIONS.values()
    for name, entry in entries.items()
    for word in (name, *entry.aliases)
}
"""Every word that is a command, older names included."""

EXITS = "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 invalid or rejected, 4 not found,\n\
5 unavailable, 6 conflict, 7 denied, 8 different, 130 interrupted. See docs/cli.md."

SETTINGS = {"max_content_width": 100, "help_option_names": ["-h", "--help"]}
"""What every command has from the top one."""


class Commands(click.Group):
    """The top group: finds a command by the table above and imports nothing else."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return every command, older names included, in the order of the help."""
        del ctx
        return list(ENTRIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module and return the command."""
        del ctx
        entry = ENTRIES.get(cmd_name)
        return None if entry is None else _import(entry.target, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command. Raises NoSuchCommand with the names that are like a mistyped one."""
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as error:
            raise click.exceptions.NoSuchCommand(
                error.command_name, possibilities=ENTRIES, ctx=ctx
            ) from None

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return what a shell offers after ``broker``, without an import: newer names and options.

        Older names work and are not offered.
        """
        commands = [
            CompletionItem(name, help=entry.help)
            for entries in SECTIONS.values()
            for name, entry in entries.items()
            if name.startswith(incomplete)
        ]
        return [*commands, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections from the table, without importing what they name."""
        del ctx
        for title, entries in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl(
                    [
                        (", ".join((name, *entry.aliases)), entry.help)
                        for name, entry in entries.items()
                    ]
                )


class NotInstalled(click.Command):
    """Stands for a command of the devstack where the devstack is not installed."""

    def __init__(self, name: str) -> None:
        super().__init__(name, help="Needs the extra devstack.", add_help_option=False)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Raise ``Failure``, whatever the arguments are."""
        del ctx, args
        raise Failure(
            f"`broker {self.name}` is not installed: a production install leaves out the engines, "
            "sample agencies and invented referrals that it needs.",
            next_step='install it with `pip install "referral-broker[devstack]"`, '
            "never beside real referrals",
        )


def _import(target: str, name: str) -> click.Command:
    """Return the command at ``module:name``, or what stands for it where it is not installed."""
    module, _, attribute = target.partition(":")
    is_devstack = module.startswith(DEVSTACK)
    try:
        home = importlib.import_module(module if is_devstack else f"broker.cli.{module}")
        command: click.Command = getattr(home, attribute)
    except ModuleNotFoundError as error:
        if is_devstack and DEVSTACK.startswith(f"{error.name}."):
            return NotInstalled(name)
        raise
    return command


@click.group(cls=Commands, epilog=f"\b\n{EXITS}", context_settings=SETTINGS)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(__version__, message="%(version)s")
def cli(debug: bool) -> None:
    """The referral broker: carries safeguarding referrals to the agencies that must act.

    Give the gateway's address in BROKER_URL and your key in BROKER_KEY_FILE.
    """
    del debug


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and end with its documented exit code."""
    argv = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = cli.main(args=argv, prog_name="broker", standalone_mode=False)
    except (click.Abort, Interrupted):
        click.echo("Interrupted.", err=True)
        code = INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except Exception as error:
        code = _report(error, debug="--debug" in argv)
    sys.exit(code if isinstance(code, int) else 0)


def _report(error: Exception, *, debug: bool) -> int:
    """Report the error and return its exit code; imports what that needs only now."""
    code: int = importlib.import_module("broker.cli.error_report").report(error, debug=debug)
    return code
