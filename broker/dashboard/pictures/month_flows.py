"""Who sends to whom in a month: bands from police forces to agencies, as thick as what went there.

Forces and agencies with the most have a name of their own; all others are one, with how many they
are. So the picture and its table have a bound, whatever the month.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from broker.dashboard.pictures.picture import NARROW, Cell, Picture, Sign, Table, label_of, sign
from broker.dashboard.pictures.svg import Drawing, shortened
from broker.dashboard.wording import how_many
from broker.domain.pictures import Flow, MonthFlows

NAME = "month-flows"
WIDTHS = (1000, 640, NARROW)
_NODE = 12
"""Pixels that a node is wide."""
_GAP = 10
_TALLEST = 340.0
"""Pixels that all that was sent is high together."""
_LINE = 34.0
"""Pixels that a node has at least, so that its name and count can be read."""
_BESIDE = 640
"""From this width on, names stand beside their nodes; else above them."""
Names = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class _Node:
    """A force or an agency, where it is drawn; None is all others."""

    code: str | None
    count: int
    top: float
    height: float


def month_flows(flows: MonthFlows, *, month: str, names: Names) -> Picture:
    """Return the picture of a month; ``month`` is its name, ``names`` that of an organisation."""
    drawings = [
        _drawing(width, flows, names).markup(label_of(NAME)) for width in WIDTHS if flows.flows
    ]
    return Picture(
        name=NAME,
        finding=_finding(flows, month, names),
        drawings=drawings,
        signs=_signs() if flows.flows else (),
        table=_table(flows, month, names),
        notes=_notes(flows),
    )


def _finding(flows: MonthFlows, month: str, names: Names) -> str:
    if not flows.flows:
        return f"No referral of {month} went to an agency."
    most = flows.flows[0]
    sentence = (
        f"{how_many(flows.total, 'delivery', 'deliveries')} of the referrals of {month}, from "
        f"{how_many(flows.publishers, 'police force')} to "
        f"{how_many(flows.agencies, 'agency', 'agencies')}."
    )
    if most.publisher is None or most.agency is None:
        return sentence
    return (
        f"{sentence} Most went from {names(most.publisher)} to {names(most.agency)}: "
        f"{most.count:,}."
    )


def _notes(flows: MonthFlows) -> list[str]:
    notes = [
        "A referral counts in the month in which it was accepted, once for each agency that got a "
        "part of it. What was redirected counts at both agencies. Corrections and recalls do not "
        "count again."
    ]
    return notes if flows.flows else []


def _table(flows: MonthFlows, month: str, names: Names) -> Table:
    return Table(
        caption=f"Deliveries of the referrals of {month}, by force and agency",
        columns=("From", "To", "Deliveries", "Share"),
        rows=[
            [
                Cell(_name(flow.publisher, flows.other_publishers, "force", names)),
                Cell(
                    _name(flow.agency, flows.other_agencies, "agency", names),
                    f"/ops/agencies/{flow.agency}" if flow.agency else "",
                ),
                Cell(f"{flow.count:,}"),
                Cell(f"{flow.count / flows.total:.1%}"),
            ]
            for flow in flows.flows
        ],
        numbers=frozenset({2, 3}),
    )


def _name(code: str | None, others: int, noun: str, names: Names) -> str:
    if code is not None:
        return names(code)
    plural = {"force": "forces", "agency": "agencies"}[noun]
    return f"{others:,} other {noun if others == 1 else plural}"


def _drawing(width: int, flows: MonthFlows, names: Names) -> Drawing:
    left = _nodes(_sums(flows.flows, "publisher"), flows.total)
    right = _nodes(_sums(flows.flows, "agency"), flows.total)
    height = max(_bottom(left), _bottom(right)) + 4
    drawing = Drawing(f"{NAME}-{width}", width, round(height))
    room = _room(width)
    edges = room + _NODE, width - room - _NODE
    _draw_bands(drawing, flows.flows, (left, right), edges, flows.total)
    is_beside = width >= _BESIDE
    letters = round((room if is_beside else width / 2) / 7.4) - 2
    for nodes, is_left in ((left, True), (right, False)):
        for node in nodes:
            x = room if is_left else width - room - _NODE
            drawing.box((x, node.top), (_NODE, max(node.height, 1.0)), "pic-node")
            noun = "force" if is_left else "agency"
            others = flows.other_publishers if is_left else flows.other_agencies
            text = shortened(_name(node.code, others, noun, names), letters)
            _label(drawing, node, text, x, is_left=is_left, is_beside=is_beside)
    return drawing


def _room(width: int) -> int:
    """Return how many pixels the names beside the nodes have; none in a narrow drawing."""
    return round(width * 0.28) if width >= _BESIDE else 0


def _sums(flows: Sequence[Flow], side: str) -> Counter[str | None]:
    counts: Counter[str | None] = Counter()
    for flow in flows:
        counts[getattr(flow, side)] += flow.count
    return counts


def _nodes(counts: Mapping[str | None, int], total: int) -> list[_Node]:
    """Return nodes from the top down, those with the most first and all others last."""
    order = sorted(counts, key=lambda code: (code is None, -counts[code], code or ""))
    nodes, top = [], 16.0
    for code in order:
        height = _TALLEST * counts[code] / total
        nodes.append(_Node(code, counts[code], top, height))
        top += max(height + _GAP, _LINE)
    return nodes


def _bottom(nodes: Sequence[_Node]) -> float:
    return max(node.top + max(node.height, _LINE - 16) for node in nodes)


def _draw_bands(
    drawing: Drawing,
    flows: Sequence[Flow],
    sides: tuple[Sequence[_Node], Sequence[_Node]],
    edges: tuple[float, float],
    total: int,
) -> None:
    """Draw each flow from the lower edge of what left its force before to that of what arrived."""
    tops = tuple({node.code: node.top for node in nodes} for nodes in sides)
    places = tuple({node.code: place for place, node in enumerate(nodes)} for nodes in sides)
    ordered = sorted(flows, key=lambda f: (places[0][f.publisher], places[1][f.agency]))
    middle = sum(edges) / 2
    for flow in ordered:
        thick = _TALLEST * flow.count / total
        start, end = tops[0][flow.publisher], tops[1][flow.agency]
        tops[0][flow.publisher] += thick
        tops[1][flow.agency] += thick
        path = (
            f"M{edges[0]:.1f} {start:.1f}C{middle:.1f} {start:.1f} {middle:.1f} {end:.1f} "
            f"{edges[1]:.1f} {end:.1f}V{end + thick:.1f}C{middle:.1f} {end + thick:.1f} "
            f"{middle:.1f} {start + thick:.1f} {edges[0]:.1f} {start + thick:.1f}Z"
        )
        drawing.shape(path, "pic-flow")


def _label(
    drawing: Drawing, node: _Node, text: str, x: float, *, is_left: bool, is_beside: bool
) -> None:
    """Write the name of a node and its count: beside it, or above it in a narrow drawing."""
    count = f"{node.count:,}"
    if not is_beside:
        place, anchor = (0.0, "start") if is_left else (float(drawing.width), "end")
        style = "pic-small pic-halo"
        drawing.text(place, node.top - 4, f"{text} {count}", style, anchor)
        return
    place = x - 8 if is_left else x + _NODE + 8
    anchor = "end" if is_left else "start"
    drawing.text(place, node.top + 11, text, "", anchor)
    drawing.text(place, node.top + 26, count, "pic-small pic-faint-text", anchor)


def _signs() -> list[Sign]:
    def band(drawing: Drawing) -> None:
        drawing.shape("M2 3C13 3 13 8 24 8V15C13 15 13 10 2 10Z", "pic-flow")

    text = "Deliveries from a force, left, to an agency, right: the thicker, the more"
    return [sign(f"{NAME}-band-sign", text, band)]
