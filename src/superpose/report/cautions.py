"""What a reader must know before trusting a curve; with numbers, and only where they apply."""

from __future__ import annotations

from superpose.explain import AttributeSummary
from superpose.explain.flat import is_flat
from superpose.explain.text import probability
from superpose.report.html import Markup, tag
from superpose.report.model import Reading
from superpose.report.numbers import number, plural
from superpose.report.sentences import join_words, percent

__all__ = ["cautions"]

_FEW_ROWS, _ROWS_PER_DOF, _STRONG, _IMITATED = 200, 10, 0.7, 0.8


def cautions(reading: Reading) -> list[Markup]:
    """A list of cautions, each with a title and what was found in this table."""
    found = [
        ("These are associations", _associations(reading)),
        ("Beyond the data", _extrapolation(reading)),
        ("Attributes that move together", _correlated(reading)),
        ("Parts that others could imitate", _imitated(reading)),
        ("Few data", _few(reading)),
        ("Parts that may not matter", _flat(reading)),
        ("Attributes without a curve", _unread(reading)),
        ("Curves that may jump", _jumps(reading)),
        ("Missing values", _missing(reading)),
        ("What a band is, and is not", _bands()),
        ("The fit was stopped", _stopped(reading)),
        ("The fit did not converge", _converged(reading)),
    ]
    items = [tag("li", tag("b", title, ". "), text) for title, text in found if text]
    return [tag("ul", items, class_="cautions"), _ranges(reading)]


def _stopped(reading: Reading) -> str:
    if reading.fit.stopped is None:
        return ""
    return (
        f"It was stopped before its end ({reading.fit.stopped}). With more time the model might "
        "have other parts and a smaller loss."
    )


def _converged(reading: Reading) -> str:
    if reading.fit.converged:
        return ""
    return (
        f"It stopped after {reading.fit.iterations} steps with "
        f"{number(float(reading.fit.gradient), 2)} nats still to gain. Bands and curves may be "
        "off; look for duplicate columns, or ask for fewer pairs and terms."
    )


def _associations(reading: Reading) -> str:
    return (
        f"A curve says how {reading.summary.target} differs between rows with different values, "
        "all other parts being equal. It does not say what would happen if somebody changed the "
        "value."
    )


def _extrapolation(reading: Reading) -> str:
    thin = []
    for part in reading.summary.parts:
        kept = reading.summary.attributes[part.attributes[0]]
        gap = _gap(kept) if part.kind == "curve" else None
        if gap is not None:
            thin.append(f"{kept.name} from {number(gap[0])} to {number(gap[1])}")
    words = (
        "Outside the range of the rows (listed below) a curve goes on as a straight line, and its "
        "band widens. That is a convention, not knowledge."
    )
    if thin:
        words += f" There were no rows either in the middle of {join_words(thin[:5])}"
        words += f", and in {len(thin) - 5} other gaps." if len(thin) > 5 else "."
    return words


def _gap(kept: AttributeSummary) -> tuple[float, float] | None:
    """The widest stretch without rows, if it is longer than a fifth of what is drawn."""
    if kept.distinct <= 30 or kept.view is None:
        return None
    best, start = (0.0, 0.0), None
    for left, right, count in zip(kept.edges, kept.edges[1:], kept.counts, strict=False):
        if count:
            start = None
            continue
        start = left if start is None else start
        if right - start > best[1] - best[0]:
            best = (start, right)
    long = best[1] - best[0] > 0.2 * (kept.view[1] - kept.view[0])
    return best if long else None


def _correlated(reading: Reading) -> str:
    strong = [a for a in reading.summary.correlated if abs(a.correlation) >= _STRONG]
    if not strong:
        return ""
    named = [f"{a.first} and {a.second} ({number(a.correlation, 2)})" for a in strong[:6]]
    more = f", and {len(strong) - 6} more" if len(strong) > 6 else ""
    return (
        f"The rank correlation is strong between {join_words(named)}{more}. The data say little "
        "about one of the two while the other stays; read such curves together, and do not compare "
        "their importances."
    )


def _imitated(reading: Reading) -> str:
    named = [
        f"{part.name} ({percent(part.concurvity)})"
        for part in sorted(reading.summary.parts, key=lambda p: -p.concurvity)
        if part.concurvity >= _IMITATED
    ]
    if not named:
        return ""
    more = f", and {len(named) - 6} more" if len(named) > 6 else ""
    return (
        f"A sum of the other parts could reproduce most of {join_words(named[:6])}{more}. How the "
        "contribution is shared out among them is then partly a convention."
    )


def _few(reading: Reading) -> str:
    summary = reading.summary
    dof = sum(part.dof for part in summary.parts)
    smallest = min(summary.target_counts, default=summary.rows)
    said = []
    if summary.rows < _FEW_ROWS:
        said.append(f"There were only {plural(summary.rows, 'row')}.")
    if summary.target_counts and smallest < 50:
        name = summary.classes[summary.target_counts.index(smallest)]
        said.append(f"The class {name} has only {plural(smallest, 'row')}.")
    if smallest < _ROWS_PER_DOF * dof:
        of = "rows in the smallest class" if summary.target_counts else "rows"
        said.append(
            f"The curves use {number(dof)} degrees of freedom, and there are {smallest:,} {of}: "
            f"fewer than {_ROWS_PER_DOF} each. Expect the curves to move if the model is fitted "
            "anew."
        )
    return " ".join(said)


def _flat(reading: Reading) -> str:
    flat = [name for name, it in reading.curves.items() if is_flat(it) and not it.notes]
    if not flat:
        return ""
    shown = join_words(flat[:8]) + (f" and {len(flat) - 8} more" if len(flat) > 8 else "")
    return (
        f"The band holds zero everywhere for {shown}. Do not read a meaning into the line's shape."
    )


def _unread(reading: Reading) -> str:
    unread = [reading.summary.attributes[p].name for p in reading.fit.network.unread]
    if not unread:
        return ""
    shown = join_words(unread[:8]) + (f" and {len(unread) - 8:,} more" if len(unread) > 8 else "")
    offered = plural(len(reading.summary.attributes), "attribute")
    return (
        f"Of the {offered} offered, {len(unread):,} have no effect on any prediction: {shown}. "
        "That no curve was worth having, beside the others and over these rows, does not say that "
        f"the attribute is unrelated to {reading.summary.target}."
    )


def _jumps(reading: Reading) -> str:
    named = [
        f"{name} near {number(it.jump[0])} (p {probability(it.jump[1])})"
        for name, it in reading.curves.items()
        if it.jump is not None and it.jumps()
    ]
    if not named:
        return ""
    more = f", and {len(named) - 6} more" if len(named) > 6 else ""
    return (
        f"The rows show a step, or a bend, sharper than the curve takes: {join_words(named[:6])}"
        f'{more}. Curve and band smear it and do not hold there. Kernel "matern12" may take it.'
    )


def _missing(reading: Reading) -> str:
    holes = [a for a in reading.summary.attributes if a.missing > 0]
    if not holes:
        return ""
    named = [
        f"{a.name} ({percent(a.missing)})" for a in sorted(holes, key=lambda a: -a.missing)[:8]
    ]
    more = f" and {len(holes) - 8} more" if len(holes) > 8 else ""
    return (
        f"Values were missing in {join_words(named)}{more}. A missing value has a contribution of "
        "its own; it says something about rows with holes, not about the value that is not there."
    )


def _bands() -> str:
    return (
        "Bands are pointwise: at any one place the curve is inside with 95 % probability, and so "
        "a whole curve may leave its band here and there. They hold the noise of the data, given "
        "the smoothness that was chosen and given that a sum of such parts can describe the "
        "truth. They do not hold that the choice of parts or smoothness is wrong, nor the noise "
        "of single outcomes."
    )


def _ranges(reading: Reading) -> Markup:
    rows, unread = [], set(reading.fit.network.unread)
    for p, kept in enumerate(reading.summary.attributes):
        if p in unread:
            continue
        if kept.kind == "category":
            common = sorted(zip(kept.counts, kept.levels, strict=True), reverse=True)[:4]
            text = ", ".join(f"{level} ({count:,})" for count, level in common)
            text += f" and {len(kept.levels) - 4} more" if len(kept.levels) > 4 else ""
            cells = [tag("td", text, colspan="3")]
        else:
            low, high = kept.range or (float("nan"), float("nan"))
            cells = [tag("td", number(v), class_="num") for v in (low, kept.typical, high)]
        gone = tag("td", percent(kept.missing) if kept.missing else "none", class_="num")
        rows.append(tag("tr", tag("th", kept.name, scope="row"), cells, gone))
    head = ["attribute", "lowest", "median", "highest", "missing"]
    top = tag("tr", [tag("th", word, scope="col") for word in head])
    table = tag("table", tag("thead", top), tag("tbody", rows))
    words = f"the values seen of {plural(len(rows), 'attribute')}" + " that a part reads" * bool(
        unread
    )
    return tag("details", tag("summary", words), tag("div", table, class_="scroll"))
