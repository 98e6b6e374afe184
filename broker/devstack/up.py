"""``broker up``: runs a whole broker on this machine until Ctrl-C."""

from __future__ import annotations

import json
import socket
import sys
import threading
from pathlib import Path

import click

from broker.admin import membership, sign_in
from broker.admin.membership import Invited
from broker.bootstrap import new_uuid7
from broker.cli.database.people import address
from broker.cli.exit_codes import Failure
from broker.cli.interrupt import Interrupted, interruptible
from broker.cli.output import print_json, remark
from broker.cli.run.listening import listen
from broker.devstack.sample_agencies import SampleAgencies
from broker.devstack.sample_referrals import SAMPLES
from broker.devstack.stack import HOST, Stack, running
from broker.domain.codes import MemberRight, Right
from broker.domain.ids import OrganisationCode

USUAL_PORT = 8080
LOOK_SECONDS = 1.0
PERSON = "Ops Example"
SAMPLE_OFFICE = "stoke-csc"
"""The organisation whose inbox is shown: the first referral goes to it."""
SAMPLE_FORCE = "staffordshire-police"
FIRST = SAMPLES / "first-referral.json"
WITH_AGENCIES = """
Sample agencies collect and answer everything; with --no-agencies you are the agency.
Ctrl-C ends everything and deletes it.
"""
WITHOUT_AGENCIES = """
Publish more of them; collect and answer deliveries, as an agency does:

  {broker} samples generate --count 20 |
    BROKER_KEY_FILE=$KEYS/staffordshire-police {broker} publish - --bulk
  BROKER_KEY_FILE=$KEYS/staffordshire-csc {broker} collect
  BROKER_KEY_FILE=$KEYS/staffordshire-csc {broker} answer DELIVERY acknowledged --by "A. Person"

Ctrl-C ends everything and deletes it.
"""


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), help="8080, or a free one if it is taken.")
@click.option("--agencies/--no-agencies", default=True, help="Sample agencies that answer.")
@click.option("--json", "as_json", is_flag=True, help="Print the addresses as JSON.")
def up(port: int | None, agencies: bool, as_json: bool) -> None:
    """Run everything here until Ctrl-C: for a first referral, and for trying an integration.

    The data is private to this run and gone afterwards.
    """
    try:
        with interruptible(), running(remark, listener(port)) as stack:
            if agencies:
                SampleAgencies(stack).start()
            _print_addresses(stack, agencies=agencies, as_json=as_json)
            _watch(stack)
    except Interrupted:
        remark("Everything has ended.")


def listener(port: int | None) -> socket.socket:
    """Listen on the port that was asked for, else on the usual one, or on a free one.

    It listens before anything else is started, so that two runs cannot choose the same port.
    """
    if port is not None:
        return listen(HOST, port)
    try:
        return listen(HOST, USUAL_PORT)
    except Failure:
        remark(f"Port {USUAL_PORT} is taken; a free one is used instead")
        return listen(HOST, 0)


def _watch(stack: Stack) -> None:
    """Wait for the signal; check the processes meanwhile."""
    never_set = threading.Event()
    while not never_set.wait(LOOK_SECONDS):
        stack.children.check()


def _print_addresses(stack: Stack, *, agencies: bool, as_json: bool) -> None:
    if as_json:
        files = {name.removeprefix("BROKER_").lower(): f for name, f in stack.address_files.items()}
        addresses = {
            "keys": stack.keys,
            **files,
            "sign_in": _sign_in(stack),
            "inbox": _member(stack, SAMPLE_OFFICE, MemberRight.ANSWER),
            "form": _member(stack, SAMPLE_FORCE, MemberRight.PUBLISH),
        }
        print_json({"url": stack.url, **addresses})
    else:
        click.echo(_instructions(stack) + next_steps(agencies=agencies))
    sys.stdout.flush()


def _instructions(stack: Stack) -> str:
    return f"""
The broker is running.   {stack.url}     its API: {stack.url}/docs

Watch it in a browser; this link signs you in, once, within fifteen minutes:
  {_sign_in(stack)}
Another one, with what is exported below:  {_broker()} people link "Ops Example"

See what people at an agency see who have no software of their own; this link opens their inbox:
  {_member(stack, SAMPLE_OFFICE, MemberRight.ANSWER)}
Another one:  {_broker()} members link {SAMPLE_OFFICE} jo@example.org --name "Jo Example"

Write a referral as a force without developers does; then select "Your referrals":
  {_member(stack, SAMPLE_FORCE, MemberRight.PUBLISH)}

Keys, a file for each organisation, readable by you alone:
  {stack.keys}

  export BROKER_URL={stack.url} KEYS={stack.keys}

Publish a first referral, as Staffordshire Police:

  curl -sS $BROKER_URL/v1/referrals \\
    -H "Authorization: Bearer $(cat $KEYS/staffordshire-police)" \\
    -H "Content-Type: application/json" -H "Prefer: wait=10" \\
    --data-binary @{_short(FIRST)}

See who has it, why, by when they must act, and what they did:

  BROKER_KEY_FILE=$KEYS/staffordshire-police {_broker()} timeline {_reference(FIRST)}

Administer it (doctor, keys, policy); the files hold the addresses of its engines, the agencies'
message broker among them, for agencies that consume a queue:

{_exports(stack)}
  {_broker()} doctor
"""


def next_steps(*, agencies: bool) -> str:
    """Return what there is to do next, with or without sample agencies."""
    return (WITH_AGENCIES if agencies else WITHOUT_AGENCIES).format(broker=_broker())


def _exports(stack: Stack) -> str:
    return "\n".join(f"  export {name}={file}" for name, file in stack.address_files.items())


def _sign_in(stack: Stack) -> str:
    """Return a link by which a sample person signs in."""
    now = stack.ledger.queries.clock()
    sign_in.add(stack.ledger, PERSON, list(Right), now=now, new_id=new_uuid7)
    return address(stack.url, sign_in.link(stack.ledger, PERSON, now=now))


def _member(stack: Stack, organisation: str, right: MemberRight) -> str:
    """Return a link by which a person of an organisation with a right signs in to its inbox."""
    now = stack.ledger.queries.clock()
    invited = Invited(PERSON, "person@example.org", [right, MemberRight.ADMINISTER])
    code = OrganisationCode(organisation)
    id_ = membership.add(stack.ledger, code, invited, by="up", now=now, new_id=new_uuid7)
    return membership.new_link(stack.ledger, id_, url=stack.url, now=now)


def _broker() -> str:
    """Return how this command is called from here."""
    python = Path(sys.executable)
    installed = python.with_name("broker")
    return f"{_short(installed)}" if installed.exists() else f"{_short(python)} -m broker"


def _reference(sample: Path) -> str:
    return str(json.loads(sample.read_text(encoding="utf-8"))["reference"])


def _short(file: Path) -> Path:
    """Return the path as it is seen from here, if it lies below."""
    return file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file
