"""What was changed by hand: who, when, why, and each curve before and after."""

from __future__ import annotations

import numpy as np

from superpose.explain.grids import label_grid
from superpose.fitting import Edit
from superpose.report.chart import Frame, crop, polyline
from superpose.report.html import Markup, tag
from superpose.report.model import Reading
from superpose.report.numbers import number, plural, signed
from superpose.report.sentences import join_words

__all__ = ["edits"]


def edits(reading: Reading) -> list[Markup]:
    """A card for each change, in the order in which they were made."""
    made: tuple[Edit, ...] = getattr(reading.fit, "edits", ())
    if not made:
        return []
    parts = join_words(list(dict.fromkeys(edit.part for edit in made)))
    words = (
        f"This model is not only what the data said: {plural(len(made), 'change')} were made by "
        f"hand, to {parts}. Where a person set the height of a curve it has no band, because a "
        "band says what the data leave open. What other parts say, and their bands, was learned "
        "before the change and has not been learned anew, unless the model was refitted since."
    )
    if len(made) == 1:
        words = words.replace("1 change were made", "1 change was made")
    cards = [_card(reading, i, edit) for i, edit in enumerate(made, 1)]
    return [tag("p", words), tag("div", cards, class_="cards")]


def _card(reading: Reading, place: int, edit: Edit) -> Markup:
    drawing = _chart(reading, edit) if len(edit.x) and edit.action != "fix" else None
    return tag(
        "figure",
        tag("figcaption", tag("h4", f"{place}. {edit.sentence}")),
        drawing,
        tag("p", _effect(edit, reading.outputs.labels)),
        class_="card",
    )


def _effect(edit: Edit, labels: tuple[str, ...]) -> str:
    """What the change did, with numbers."""
    if edit.action == "fix":
        return "Nothing changed then; a refit leaves this part as it is."
    moves = [signed(float(v)) for v in edit.mean_change]
    if len(moves) > 1:
        moves = [f"{label} {move}" for label, move in zip(labels, moves, strict=True)]
    said = (
        f"The typical size of its contributions went from {number(edit.size_before)} to "
        f"{number(edit.size_after)}, and the mean prediction moved by {join_words(moves)} "
        f"({edit.rows:,} {edit.source})."
    )
    if edit.loss_before is not None and edit.loss_after is not None:
        worse = "rose" if edit.loss_after > edit.loss_before else "fell"
        said += (
            f" The mean loss of these rows {worse} from {number(edit.loss_before, 4)} to "
            f"{number(edit.loss_after, 4)}."
        )
    return said


def _chart(reading: Reading, edit: Edit) -> Markup:
    """Before, dashed, and after."""
    position = reading.summary.parts[edit.index].attributes[0]
    attribute = reading.fit.network.attributes[position]
    labels, x = None, edit.x
    if attribute.kind == "category":
        x = np.arange(len(edit.x), dtype=np.float64)
        names = label_grid(attribute, edit.x)
        labels = [(float(i), crop(str(name), 10)) for i, name in enumerate(names)]
        across = (-0.6, len(x) - 0.4)
    else:
        support = reading.summary.attributes[position]
        across = support.view or (float(x[0]), float(x[-1]))
        if across[0] == across[1]:
            across = (across[0] - 0.5, across[1] + 0.5)
    inside = (x >= across[0]) & (x <= across[1])
    both = np.concatenate([edit.before[:-1][inside], edit.after[:-1][inside], [0 * edit.after[0]]])
    room = 0.08 * float(np.ptp(both)) or 0.5
    frame = Frame(across, (float(both.min()) - room, float(both.max()) + room), top=26)
    drawn = []
    for k in range(edit.after.shape[1]):
        for values, name in ((edit.before, "ends"), (edit.after, "curve")):
            points = frame.points(x[inside], values[:-1][inside, k])
            if labels is None:
                drawn.append(tag("path", d=polyline(points), class_=f"{name} c{k % 7}"))
                continue
            shape = "ring" if name == "ends" else f"dot c{k % 7}"
            drawn += [tag("circle", cx=a, cy=b, r=4, class_=shape) for a, b in points]
    before = "dashed" if labels is None else "ring"
    note = tag("text", f"↑ contribution; {before}: before", x=4, y=14, class_="axis")
    title = f"{edit.part} before and after it was {edit.action}"
    return frame.svg(frame.y_axis(), drawn, note, frame.x_axis(edit.part, labels), title=title)
