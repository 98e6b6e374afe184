"""Shows a referral to people: each delivery with its reason and its deadlines, and each event."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from broker.cli.output import LOCAL, local
from broker.domain.actor import in_words
from broker.policy.time.wall_clock import summer_or_winter

Json = Mapping[str, Any]

MARKS = {
    "met": ("✓", "green"),
    "late": ("✗", "red"),
    "open": ("·", "yellow"),
    "paused": ("‖", "cyan"),
}
MILESTONES = {
    "collect": ("collected", "collected_at"),
    "acknowledge": ("acknowledged", "acknowledged_at"),
    "decide": ("decided", "decided_at"),
}


def timeline_view(status: Json, events: Sequence[Json]) -> RenderableType:
    """Return the summary, deliveries and events of a referral, ready to print."""
    return Group(_head(status), _deliveries(status), Text(), _events(status, events))


def deliveries_view(status: Json) -> RenderableType:
    """Return the summary and deliveries only: who has it, why, and by when."""
    return Group(_head(status), _deliveries(status))


def check_view(plan: Json) -> RenderableType:
    """Return who would get a referral that was only checked, why, and by when."""
    head = Text()
    head.append(f"would be {plan['state']}", style="cyan")
    head.append(f", treated as {_plain(plan['effective_grade'])}; nothing was stored")
    _remarks(head, plan)
    deliveries = [
        {**delivery, "state": "held" if delivery.get("held_until") else "available"}
        for delivery in plan["deliveries"]
    ]
    return Group(head, _deliveries({"deliveries": deliveries}))


def _head(status: Json) -> RenderableType:
    head = Text()
    head.append(status["reference"], style="bold")
    head.append(f"  {status['state']}", style="cyan")
    head.append(f"  {_grades(status)}\n")
    head.append(f"from {status['publisher']}, accepted {local(status['accepted_at'])}", "dim")
    _versions(head, status)
    _remarks(head, status)
    return head


def _versions(head: Text, status: Json) -> None:
    """Add that it was corrected or recalled."""
    if status.get("version", 1) > 1:
        head.append(f"\nversion {status['version']}, ", style="cyan")
        head.append(f"corrected {local(status['versions'][-1]['accepted_at'])}", style="dim")
    if status.get("recalled_at"):
        head.append(f"\nrecalled {local(status['recalled_at'])}", style="red")
        head.append(f" by {status['recalled_by']}: {_plain(status['recall_reason'])}")


def _remarks(head: Text, status: Json) -> None:
    """Add faults, defects and warnings, and by when ops must find an owner."""
    for kind in ("faults", "defects", "warnings"):
        for fault in status.get(kind) or ():
            head.append(f"\n{kind[:-1]}  ", style="yellow")
            head.append(f"{fault['message']} ({fault.get('pointer') or '/'})")
    if status.get("attend_by"):
        head.append(f"\nno agency can be worked out ({status.get('reason')}): ", style="yellow")
        head.append(f"ops must act by {local(status['attend_by'])}")


def _grades(status: Json) -> str:
    grade, effective = status.get("grade"), status.get("effective_grade")
    if not grade:
        return ""
    graded = f"graded {_plain(grade)}"
    return graded if effective in (None, grade) else f"{graded}, treated as {_plain(effective)}"


def _deliveries(status: Json) -> RenderableType:
    tree = Tree(Text(), hide_root=True, guide_style="dim")
    for delivery in status["deliveries"]:
        branch = tree.add(_delivery_head(delivery))
        for line in _reasons(delivery):
            branch.add(line)
    return tree


def _delivery_head(delivery: Json) -> Text:
    head = Text("\n")
    head.append(delivery.get("agency_name") or delivery["agency"], style="bold")
    head.append(f"  {_task(delivery)}  ", style="dim")
    head.append(_state_text(delivery), style="cyan")
    return head


def _task(delivery: Json) -> str:
    """Return the agency's role in a delivery, with its kind and version where they matter."""
    kind, version = delivery.get("kind", "referral"), delivery.get("version", 1)
    task = delivery["role"] if kind == "referral" else f"{delivery['role']}, {kind}"
    return f"{task}, version {version}" if version > 1 else str(task)


def _state_text(delivery: Json) -> str:
    code = delivery.get("outcome") or delivery.get("reason")
    return f"{delivery['state']}: {_plain(code)}" if code else str(delivery["state"])


def _reasons(delivery: Json) -> Iterator[RenderableType]:
    why = delivery.get("explanation") or {}
    for label, text in (*_grounds(why), *_states(delivery, why)):
        yield _line(label, text)
    for deadline in why.get("deadlines") or ():
        yield _deadline(delivery, deadline)
    for regrade in why.get("rescheduled") or ():
        yield _line("regraded", _regraded(regrade))


def _grounds(why: Json) -> Iterator[tuple[str, str]]:
    """Yield why the agency gets it, each ground with its label."""
    if why.get("sentence"):
        yield "why", why["sentence"]
    if why.get("recipient"):
        yield "whom", why["recipient"]
    for because in why.get("because") or ():
        yield "because", because
    if why.get("basis"):
        yield "basis", f"{why['basis']}: {why.get('source') or why.get('row')}"


def _states(delivery: Json, why: Json) -> Iterator[tuple[str, str]]:
    """Yield what stops the clock or the delivery, and what a new version changed."""
    if delivery.get("paused_at"):
        yield "clock", f"paused since {local(delivery['paused_at'])}, where policy allows it"
    if why.get("hold"):
        yield "held", f"until {local(why['hold']['until'])}: {why['hold']['reason']}"
    if why.get("changed"):
        yield "changed", ", ".join(_plain(part) for part in why["changed"])


def _regraded(record: Json) -> str:
    """Return which deadlines a new grade moved, and what they were before."""
    moved = "; ".join(
        f"{deadline['milestone']} was {local(deadline['due_before'])} ({deadline['words_before']})"
        for deadline in record["deadlines"]
    )
    grades = f"{_plain(record['grade_before'])} to {_plain(record['grade'])}"
    return f"{grades}, {local(record['at'])}: {moved}"


def _line(label: str, text: str) -> RenderableType:
    row = Table.grid(padding=(0, 1))
    row.add_column(width=12, style="dim")
    row.add_column(overflow="fold")
    row.add_row(label, Text(str(text)))
    return row


def _deadline(delivery: Json, deadline: Json) -> RenderableType:
    milestone = deadline["milestone"]
    done, at = MILESTONES[milestone]
    met_at = delivery.get(at)
    mark, style = MARKS[_verdict(delivery, deadline, met_at)]
    text = Text()
    text.append(f"{local(deadline['due_at'])} ", style="bold")
    text.append(f"{mark} ", style=style)
    text.append(f"{done} {_clock(met_at)}  " if met_at else "")
    text.append(str(deadline["words"]), style="dim")
    row = Table.grid(padding=(0, 1))
    row.add_column(width=12, style="dim")
    row.add_column(overflow="fold")
    row.add_row(f"{milestone}", text)
    return row


def _verdict(delivery: Json, deadline: Json, met_at: str | None) -> str:
    """Return how a deadline stands; of one that is not met the gateway says whether it is late."""
    if met_at is None:
        known = (
            name for name in ("late", "paused") if deadline["milestone"] in delivery.get(name, ())
        )
        return next(known, "open")
    due = datetime.fromisoformat(deadline["due_at"])
    return "met" if datetime.fromisoformat(met_at) <= due else "late"


def _events(status: Json, events: Sequence[Json]) -> RenderableType:
    names = {
        delivery["agency"]: delivery.get("agency_name") or delivery["agency"]
        for delivery in status["deliveries"]
    }
    grid = Table.grid(padding=(0, 2))
    for event in events:
        agency = event.get("agency")
        grid.add_row(
            Text(_clock(event["at"]), style="dim"),
            Text(event["kind"].replace(".", " ").replace("_", " ")),
            Text(names.get(agency, agency) or ""),
            Text(_details(event), style="dim"),
        )
    return Padding(grid, (0, 0, 0, 1))


def _details(event: Json) -> str:
    """Return an event's data, and for ops who did it and why."""
    data = event.get("data") or {}
    details = [_detail(name, value) for name, value in data.items() if _is_short(value)]
    if event.get("actor"):
        details.append(f"by {in_words(event['actor'])}")
    if event.get("reason"):
        details.append(f"“{event['reason']}”")
    return ", ".join(details)


def _detail(name: str, value: str | int) -> str:
    """Return one member of an event's data in words, an instant in UK time."""
    label = name.removesuffix("_at").replace("_", " ")
    with suppress(TypeError, ValueError):
        if (instant := datetime.fromisoformat(value)).tzinfo:  # type: ignore[arg-type]
            return f"{label} {local(instant)}"
    return f"{label} {value}"


def _is_short(value: Any) -> bool:
    return isinstance(value, str | int) and len(str(value)) <= 40


def _clock(instant: str) -> str:
    local_time = datetime.fromisoformat(instant).astimezone(LOCAL)
    return f"{local_time:%H:%M:%S.%f}"[:-3] + summer_or_winter(local_time)


def _plain(code: str | None) -> str:
    return (code or "").replace("_", " ")
