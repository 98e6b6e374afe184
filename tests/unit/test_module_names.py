"""A module's name occurs once, unless the modules of that name are about the same thing.

``same`` says what. A name that comes to occur twice has to be added here with its meaning, or to
be chosen better.
"""

from collections import Counter
from pathlib import Path

import broker

ROOT = Path(broker.__file__).parents[1]
SAME = {
    "access": "who may see the pages for ops, and those of the inbox",
    "alarms": "the alarms of a deadline: what they are, and where they are kept",
    "answer": "an agency's answer: the step that records it, and the command",
    "app": "the application object of a process",
    "attention": "what needs a person: its wire form, and the command",
    "base": "what every member of the folder implements",
    "bulk_actions": "acts on many deliveries: where they are kept, and the page",
    "codes": "closed lists of codes",
    "collect": "collecting: the step, and the command",
    "correct": "correcting a referral: the step, and the command",
    "deadline_report": "the report of deadlines: how it is put together, and its figures",
    "deadlines": "deadlines: how they are counted, and what happens when they pass",
    "deliveries": "deliveries: where they are kept, and the calls",
    "delivery": "a delivery: the noun, its wire form, and what the client sees",
    "directory": "the directory of organisations: its language, its schema, and the command",
    "dry_runs": "acts that are tried and rolled back: the acts, and the calls",
    "embargoes": "embargoes: what policy says, who is told, where they are kept",
    "errors": "errors of the distribution",
    "escalations": "escalations: the calls, and the command",
    "event": "an event: the noun, and its wire form",
    "health": "whether the broker works: what is known of it, the rule, and what it is read from",
    "holds": "what is held: the calls, and the command",
    "links": "links between referrals",
    "lint": "faults of a policy: how they are found, and the command",
    "members": "people who use an inbox: where they are kept, and the command",
    "migrate": "migrations: how they run, and the command",
    "monitoring": "what those see who watch the deadlines",
    "operator_actions": "acts of operators: their rules, and where they are kept",
    "people": "people who sign in: where they are kept, and the command",
    "pictures": "the figures of pictures: what they are, and where they come from",
    "plan": "what would become of a referral: the decision, and its wire form",
    "policy": "the policy: what is in force, its schema, and the command",
    "policy_backtest": "what a policy would have changed: the rule, and what it reads",
    "question": "a question to the police: the noun, and its wire form",
    "questions": "questions to the police: the acts, where they are kept, the calls, the command",
    "queue_keys": "users of the queues: where they are kept, and the command",
    "queues": "agency queues: the transport, and the command",
    "reconcile": "reconciliation: the rule, and the command",
    "reconciliations": "reconciliation: where it is kept, and the calls",
    "referral": "a referral: the noun, and its wire form",
    "referrals": "referrals: where they are kept, and the calls",
    "registry": "the one list of the folder's members",
    "rendering": "pages from templates: for ops, and for agencies",
    "report": "reports: their wire form, and the command",
    "restore": "taking up the ledger after a restore: the acts, and the command",
    "side_log": "the side log: how it is kept, and what the commands note in it",
    "signing_in": "signing in: to the pages for ops, and to the inbox",
    "status": "the status of a referral: its wire form, and the command",
    "support_bundle": "the support bundle: what it reads, and the command",
    "sweep": "the sweep: the step, and its statements",
    "tasks": "tasks for a person: where they are kept, and the command",
    "wording": "words of the pages: for ops, and for agencies",
}
NOT_NAMES = {"__init__", "__main__"}


def names() -> Counter[str]:
    """Count the modules of each name in what is shipped."""
    folders = [ROOT / folder for folder in ("broker", "schemas", "workers", "sdk")]
    files = [file for folder in folders for file in folder.rglob("*.py")]
    return Counter(file.stem for file in files if file.stem not in NOT_NAMES)


def test_a_module_name_that_occurs_twice_means_the_same_thing() -> None:
    repeated = {name for name, count in names().items() if count > 1}
    assert repeated == set(SAME)
