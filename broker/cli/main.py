"""The command ``broker``: which commands there are, and what becomes of an error.

Each command lives in a module of its own that is imported when the command runs, so that
``broker --help`` answers at once.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import click

from broker import __version__
from broker.cli.exit_codes import INTERRUPTED
from broker.cli.interrupt import Interrupted


@dataclass(frozen=True, slots=True)
class Entry:
    """A command: where it lives, and its line in the help."""

    target: str
    help: str


SECTIONS: Mapping[str, Mapping[str, Entry]] = {
    "Try it out": {
        "demo": Entry("run.demo:demo", "Run everything with sample agencies, and check the sums."),
        "up": Entry("run.up:up", "Run everything here until Ctrl-C."),
        "samples": Entry("run.samples:samples", "Generate and list invented referrals."),
    },
    "Publish referrals (police)": {
        "publish": Entry("http.publish:publish", "Hand in a referral, or check one."),
        "correct": Entry("http.correct:correct", "Correct a referral: the whole document again."),
        "recall": Entry("http.correct:recall", "Take a referral back; whoever has it destroys it."),
        "status": Entry(
            "http.status:status", "Show who has a referral, and by when they must act."
        ),
        "reconcile": Entry("http.reconcile:reconcile", "Say which occurrences have no referral."),
        "timeline": Entry("http.timeline:timeline", "Show everything that happened to a referral."),
    },
    "Receive deliveries (agencies)": {
        "collect": Entry("http.collect:collect", "Take what is waiting, worst deadline first."),
        "answer": Entry("http.answer:answer", "Acknowledge, decide or return a delivery."),
    },
    "Watch and act (ops)": {
        "attention": Entry("http.attention:attention", "List what no agency owns at the moment."),
        "give-area": Entry("http.attention:give_area", "Give an unroutable referral its area."),
        "route-again": Entry("http.attention:route_again", "Route an unroutable referral again."),
        "escalations": Entry(
            "http.escalations:escalations", "List missed deadlines, and see to one."
        ),
        "pause": Entry("http.escalations:pause", "Let the clocks of a delivery stand."),
        "resume": Entry("http.escalations:resume", "Let the clocks of a delivery go on."),
        "report": Entry("http.report:report", "Figures: how long it took, and what was in time."),
        "reroute": Entry("http.attention:reroute", "Send a delivery on to another agency or area."),
        "top": Entry("database.monitor:top", "Watch queues and deadlines live."),
        "watch": Entry("database.monitor:watch", "Print deadlines as they come near."),
        "check": Entry("database.monitor:check", "Compare a figure with limits, for monitoring."),
        "queue": Entry("database.queues:queue", "Look at queues, pause and resume delivery."),
        "dead": Entry("database.queues:dead", "Look at what cannot be delivered, and replay it."),
    },
    "Reckon": {
        "deadline": Entry("deadline:deadline", "Compute a deadline and say how."),
    },
    "Administer": {
        "migrate": Entry("database.migrate:migrate", "Bring the ledger's tables up to date."),
        "keys": Entry("database.keys:keys", "Issue, list, rotate, revoke and expire keys."),
        "people": Entry("database.people:people", "Let people sign in to the pages for ops."),
        "policy": Entry("database.policy:policy", "Lint, compare, publish, show and explain it."),
        "directory": Entry(
            "database.directory:directory", "Lint and show the directory of agencies."
        ),
        "doctor": Entry(
            "database.doctor:doctor", "Say what is wrong here, and what to do about it."
        ),
    },
    "Run": {
        "serve": Entry("run.serve:serve", "Run the gateway."),
        "worker": Entry("run.worker:worker", "Run a Celery worker."),
    },
}

EXITS = "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 invalid or rejected, 4 not found,\n\
5 unavailable, 6 conflict, 7 denied, 8 different, 130 interrupted. See docs/cli.md."


class Commands(click.Group):
    """The top group: finds a command by the table above and imports nothing else."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands in the order of the help."""
        del ctx
        return [name for entries in SECTIONS.values() for name in entries]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module."""
        del ctx
        entry = next((e[cmd_name] for e in SECTIONS.values() if cmd_name in e), None)
        if entry is None:
            return None
        module, _, name = entry.target.partition(":")
        command: click.Command = getattr(importlib.import_module(f"broker.cli.{module}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections from the table, without importing what they name."""
        del ctx
        for title, entries in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, entry.help) for name, entry in entries.items()])


@click.group(cls=Commands, epilog=f"\b\n{EXITS}", context_settings={"max_content_width": 100})
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(__version__, message="%(version)s")
def cli(debug: bool) -> None:
    """The referral broker: carries safeguarding referrals to the agencies that must act.

    Give the gateway's address in BROKER_URL and your key in BROKER_KEY_FILE.
    """
    del debug


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and end with its documented exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = cli.main(args=given, prog_name="broker", standalone_mode=False)
    except (click.Abort, Interrupted):
        click.echo("Interrupted.", err=True)
        code = INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except Exception as error:
        code = _report(error, debug="--debug" in given)
    sys.exit(code if isinstance(code, int) else 0)


def _report(error: Exception, *, debug: bool) -> int:
    """Tell the error; what that needs is imported only now."""
    told: int = importlib.import_module("broker.cli.error_report").report(error, debug=debug)
    return told
