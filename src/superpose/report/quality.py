"""How good the model is on rows that it has not seen."""

from __future__ import annotations

from superpose.explain import Calibration, HeldOut
from superpose.report.chart import Frame, crop
from superpose.report.html import Markup, tag
from superpose.report.model import Reading
from superpose.report.numbers import number, plural
from superpose.report.sentences import percent

__all__ = ["calibration_chart", "quality"]


def quality(reading: Reading) -> list[Markup]:
    """The measures as a table, and the calibration chart of each class."""
    held_out = reading.held_out
    if held_out is None:
        return [tag("p", _nothing_held_out(reading))]
    tables = held_out.calibration
    charts = [_calibration(table, bool(reading.outputs.classes)) for table in tables]
    head = (
        f"Measured on {plural(held_out.rows, 'row')} that took no part in learning "
        f"({held_out.source}). “±” is one standard error; “without attributes” is what the best "
        "constant prediction scores on the same rows."
    )
    rest = charts[4:]
    return [
        tag("p", head),
        _metrics(held_out),
        tag("h3", "Calibration: do predictions mean what they say?"),
        tag("p", _calibration_words(held_out, reading)),
        tag("div", charts[:4], class_="cards"),
        tag(
            "details",
            tag("summary", plural(len(rest), "more class")),
            tag("div", rest, class_="cards"),
        )
        if rest
        else Markup(""),
    ]


def _nothing_held_out(reading: Reading) -> str:
    chosen = [step for step in reading.fit.path if step.chosen]
    words = "No rows were held back for this report. Pass rows that the model has not seen, and "
    words += "their outcomes, as report(path, X, y), to have its quality and calibration here."
    if not chosen:
        return words
    loss, error = number(chosen[0].loss), number(chosen[0].loss_se, 2)
    return (
        f"{words} While choosing the dial below, the loss on validation rows was {loss} ± {error}; "
        "because the dial was chosen by it, this is slightly too good."
    )


def _metrics(held_out: HeldOut) -> Markup:
    head = ["measure", "value", "without attributes", "meaning"]
    rows = [
        tag(
            "tr",
            tag("th", metric.name, scope="row"),
            tag(
                "td", tag("b", number(metric.value)), f" ± {number(metric.error, 2)}", class_="num"
            ),
            tag("td", "" if metric.constant is None else number(metric.constant), class_="num"),
            tag("td", f"{metric.meaning}; {metric.better} is better"),
        )
        for metric in held_out.metrics
    ]
    top = tag("tr", [tag("th", word, scope="col") for word in head])
    table = tag("table", tag("thead", top), tag("tbody", rows))
    return tag("div", table, class_="scroll")


def _calibration_words(held_out: HeldOut, reading: Reading) -> str:
    inside = sum(
        low <= predicted <= high
        for table in held_out.calibration
        for low, predicted, high in zip(table.lower, table.predicted, table.upper, strict=True)
    )
    groups = sum(len(table.counts) for table in held_out.calibration)
    what = "share that was of the class" if reading.outputs.classes else "mean outcome"
    verdict = "as it should be" if inside >= 0.85 * groups else "fewer than there should be"
    return (
        "Rows are sorted by their prediction and cut into groups of equal size. Each dot is a "
        f"group: its mean prediction, and the {what}, with its 95 % interval; on the diagonal both "
        f"are equal. In {inside} of {plural(groups, 'group')} the interval holds the mean "
        f"prediction: {verdict} (about 19 in 20 if all is well)."
    )


def _calibration(table: Calibration, shares: bool) -> Markup:
    chart = calibration_chart(table, shares)
    head = ["predicted", "observed", "95 % interval", "rows"]
    show = percent if shares else number
    rows = [
        tag(
            "tr",
            [
                tag("td", cell, class_="num")
                for cell in (show(p), show(o), f"{show(low)} to {show(high)}", f"{n:,}")
            ],
        )
        for p, o, low, high, n in zip(
            table.predicted, table.observed, table.lower, table.upper, table.counts, strict=True
        )
    ]
    top = tag("tr", [tag("th", word, scope="col", class_="num") for word in head])
    numbers = tag("table", tag("thead", top), tag("tbody", rows))
    return tag(
        "figure",
        tag("figcaption", tag("h4", table.label)),
        chart,
        tag("details", tag("summary", "the numbers"), tag("div", numbers, class_="scroll")),
        class_="card",
    )


def calibration_chart(table: Calibration, shares: bool) -> Markup:
    """Observed against predicted, with the diagonal on which both are equal."""
    if shares:
        ends = (0.0, 1.0)
    else:
        values = (*table.predicted, *table.lower, *table.upper)
        room = 0.05 * (max(values) - min(values)) or 1.0
        ends = (min(values) - room, max(values) + room)
    frame = Frame(ends, ends, width=380, height=340, left=56, top=26)
    diagonal = tag(
        "line",
        x1=frame.across(ends[0]),
        y1=frame.down(ends[0]),
        x2=frame.across(ends[1]),
        y2=frame.down(ends[1]),
        class_="diagonal",
    )
    marks = []
    for p, o, low, high in zip(
        table.predicted, table.observed, table.lower, table.upper, strict=True
    ):
        x = frame.across(p)
        marks.append(
            tag("line", x1=x, x2=x, y1=frame.down(high), y2=frame.down(low), class_="whisker c0")
        )
        marks.append(tag("circle", cx=x, cy=frame.down(o), r=4, class_="dot c0"))
    word = "predicted probability" if shares else f"predicted {table.label}"
    outcome = "↑ share that was of the class" if shares else "↑ mean outcome"
    label = tag("text", outcome, x=4, y=14, class_="axis")
    title = f"Calibration of {table.label}: observed against predicted"
    return frame.svg(
        frame.y_axis(), diagonal, marks, label, frame.x_axis(crop(word, 40)), title=title
    )
