"""What it cost, and what that bought."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from wva.report.colours import INK, PAPER, policy_colours
from wva.report.comparison import Comparison
from wva.report.figures.canvas import label_right, level, panels
from wva.report.figures.place import Box, free_box
from wva.report.figures.theme import Layout
from wva.report.summary import dollars, duration, percent


def draw_cost(comparison: Comparison, layout: Layout) -> Figure:
    """Cost against attainment: a dot for each seed, a large one for the median. Up and left is better."""
    figure, (panel,) = panels(
        layout,
        [2.9 if layout.narrow else 3.4],
        "Cost against attainment",
        f"requests served within the objectives, over the cost of {duration(comparison.window_s)}; "
        "small dots are seeds; up and left is better",
    )
    colours = policy_colours([(contender.label, contender.policy) for contender in comparison.contenders])
    medians = [comparison.median(contender) for contender in comparison.contenders]
    _scale(panel, comparison)
    for contender, middle in zip(comparison.contenders, medians, strict=True):
        colour = colours[contender.label]
        for run in comparison.of(contender):
            panel.scatter(run.score.cost, run.score.attainment or 0.0, s=20, color=colour, alpha=0.45, linewidth=0)
        panel.scatter(
            middle["cost"], middle["attainment"], s=110, color=colour, edgecolor=PAPER, linewidth=1.2, zorder=5
        )
    _labels(panel, figure, comparison, layout)
    level(panel, medians[0]["attainable"])
    label_right(panel, layout, [(medians[0]["attainable"], f"attainable\n{percent(medians[0]['attainable'])}", INK)])
    panel.set_xlabel("cost ($)")
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 10 else f"{value:g}"))
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.4g} %"))
    return figure


def _scale(panel: Axes, comparison: Comparison) -> None:
    costs = [run.score.cost for run in comparison.runs]
    shares = [run.score.attainment for run in comparison.runs if run.score.attainment is not None]
    top = max([*shares, *(run.score.attainable for run in comparison.runs)])
    span = max(top - min(shares), 0.01)
    panel.set_xlim(0, max(costs) * 1.08 if max(costs) > 0 else 1)
    panel.set_ylim(max(min(shares) - 0.15 * span, 0), top + 0.05 * span)
    panel.xaxis.set_major_locator(MaxNLocator(6))
    panel.yaxis.set_major_locator(MaxNLocator(5))
    panel.grid(visible=True, axis="x")


def _labels(panel: Axes, figure: Figure, comparison: Comparison, layout: Layout) -> None:
    """Name each large dot beside it, where the label hits no dot and no other label."""
    box = panel.get_position()
    size = (box.width * figure.get_figwidth() * 72, box.height * figure.get_figheight() * 72)

    def place(cost: float, share: float) -> tuple[float, float]:
        x, y = (panel.transData + panel.transAxes.inverted()).transform((cost, share))
        return float(x) * size[0], float(y) * size[1]

    dots = [place(run.score.cost, run.score.attainment or 0.0) for run in comparison.runs]
    taken: list[Box] = [(x - 3, y - 3, x + 3, y + 3) for x, y in dots]
    ceiling = place(0, comparison.median(comparison.contenders[0])["attainable"])[1]
    taken.append((0, ceiling - 1, size[0], ceiling + 1))
    colours = policy_colours([(contender.label, contender.policy) for contender in comparison.contenders])
    # Those at the right edge have the least choice.
    for contender in sorted(comparison.contenders, key=lambda each: -comparison.median(each)["cost"]):
        middle = comparison.median(contender)
        text = f"{contender.label}\n{percent(middle['attainment'])}, {dollars(middle['cost'])}"
        at = place(middle["cost"], middle["attainment"])
        found = free_box(at, (max(map(len, text.split("\n"))) * layout.font * 0.66, layout.font * 2.6), size, taken)
        taken += [found, (at[0] - 6, at[1] - 6, at[0] + 6, at[1] + 6)]
        panel.annotate(
            text,
            (found[0], (found[1] + found[3]) / 2),
            xycoords="axes points",
            va="center",
            color=colours[contender.label],
            weight="bold",
            linespacing=1.25,
            size=layout.font - 0.5,
            zorder=6,
        )
