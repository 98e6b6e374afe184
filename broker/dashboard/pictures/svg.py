"""Drawings as SVG: shapes with classes, every text escaped, nothing styled in place."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup, escape

PATTERNS: Mapping[str, Markup] = {
    "held": Markup('<path d="M-2 2L2-2M0 8L8 0M6 10L10 6" class="pic-mark"/>'),
    "waiting": Markup(
        '<circle cx="2" cy="2" r="1" class="pic-dot"/><circle cx="6" cy="6" r="1" class="pic-dot"/>'
    ),
    "late": Markup('<path d="M-2-2L10 10M-2 6L2 10M6-2L10 2" class="pic-slash"/>'),
    "other": Markup('<path d="M-2 2L2-2M0 8L8 0M6 10L10 6" class="pic-mark"/>'),
}
"""What a pattern has on its ground, on a square of 8 by 8."""


def element(name: str, content: Markup | str = "", **attributes: object) -> Markup:
    """Return one element. ``class_`` is ``class``, and an underscore in a name is a hyphen."""
    stated = Markup("").join(
        Markup(' {}="{}"').format(_attribute(key), _value(value))
        for key, value in attributes.items()
    )
    # The name of an element is ours; everything else is escaped.
    if not content:
        return Markup("<{}{}/>").format(name, stated)
    return Markup("<{0}{1}>{2}</{0}>").format(name, stated, content)


def _attribute(name: str) -> str:
    return name.rstrip("_").replace("_", "-")


def _value(value: object) -> str:
    """Return a number with one decimal at most, and anything else as it is."""
    return f"{round(value, 1):g}" if isinstance(value, float) else str(value)


class Drawing:
    """One SVG that is being drawn, in pixels at reading size."""

    def __init__(self, name: str, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self._name = name
        self._parts: list[Markup] = []
        self._patterns: set[str] = set()

    def add(self, name: str, content: Markup | str = "", **attributes: object) -> None:
        """Draw an element on top of what there is."""
        self._parts.append(element(name, content, **attributes))

    def text(self, x: float, y: float, text: str, style: str = "", anchor: str = "start") -> None:
        """Write a text whose baseline begins, ends or is centred at a point."""
        attributes = {"class_": style} if style else {}
        if anchor != "start":
            attributes["text_anchor"] = anchor
        self.add("text", escape(text), x=float(x), y=float(y), **attributes)

    def box(
        self, corner: tuple[float, float], size: tuple[float, float], style: str, title: str = ""
    ) -> None:
        """Draw a rectangle; a style of ``PATTERNS`` is drawn over its own ground."""
        (x, y), (width, height) = corner, size
        named = element("title", title) if title else Markup("")
        place = {"x": float(x), "y": float(y), "width": float(width), "height": float(height)}
        self.add("rect", named, **place, **self._fill(style), class_=style)

    def shape(self, path: str, style: str) -> None:
        """Draw a shape by its path, filled as a rectangle of this style is."""
        self.add("path", d=path, **self._fill(style), class_=style)

    def _fill(self, style: str) -> dict[str, str]:
        """Return what fills a shape beside its class: the pattern of its style, if it has one."""
        kind = style.partition(" ")[0].removeprefix("pic-")
        if kind not in PATTERNS:
            return {}
        self._patterns.add(kind)
        return {"fill": f"url(#{self._name}-{kind})"}

    def line(self, start: tuple[float, float], end: tuple[float, float], style: str) -> None:
        """Draw a straight line."""
        path = f"M{start[0]:.1f} {start[1]:.1f}L{end[0]:.1f} {end[1]:.1f}"
        self.add("path", d=path, class_=style)

    def markup(self, label: str) -> Markup:
        """Return the SVG; ``label`` is the id of the text that says what it shows."""
        return self._svg(role="img", aria_labelledby=label)

    def hidden(self) -> Markup:
        """Return the SVG as decoration beside a text that says the same."""
        return self._svg(aria_hidden="true", focusable="false")

    def _svg(self, **attributes: str) -> Markup:
        patterns = Markup("").join(self._pattern(kind) for kind in sorted(self._patterns))
        definitions = element("defs", patterns) if patterns else Markup("")
        return element(
            "svg",
            definitions + Markup("").join(self._parts),
            viewBox=f"0 0 {self.width} {self.height}",
            width=self.width,
            height=self.height,
            **attributes,
        )

    def _pattern(self, kind: str) -> Markup:
        ground = element("rect", width=8, height=8, class_=f"pic-ground-{kind}")
        return element(
            "pattern",
            ground + PATTERNS[kind],
            id=f"{self._name}-{kind}",
            width=8,
            height=8,
            patternUnits="userSpaceOnUse",
        )


def shortened(text: str, letters: int) -> str:
    """Return a text that fits into so many letters."""
    return text if len(text) <= letters else text[: letters - 1].rstrip() + "…"


def compact(count: int) -> str:
    """Return a count that fits above a narrow bar: exact below 1,000, then in thousands."""
    return f"{count}" if count < 1000 else f"{count / 1000:.3g}k"
