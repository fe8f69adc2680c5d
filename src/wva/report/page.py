"""The report as one HTML file that needs nothing else."""

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from wva.report.colours import policy_colours
from wva.report.comparison import Comparison
from wva.report.contenders import CLAIRVOYANT, STATIC_BEST
from wva.report.html import definitions, document, figure
from wva.report.summary import count, duration, percent, sentences, table_rows
from wva.scenario.schema import AtEnd, ClientsSpec

CAPTIONS = {
    "cost": "Every request offered counts: one that failed is not served.",
    "outcomes": "A request is served when its first token comes within the TTFT objective, and its last within that "
    "and the TPOT objective for each further token.",
    "ttft": "Percentiles are over all that arrived; a request that never got a first token counts as later than any.",
    "replicas": "The area is what is paid for: from the start order to the release, starting and draining included.",
    "gpus": "What starts or drains holds its hardware like what serves; a replica that waits for stock holds none.",
    "power": "The area is energy: light for GPUs that are there, starting and draining included, full for what their "
    "work adds. Modelled, not measured; hosts, network and cooling are not in it.",
    "load": "The same requests for every policy.",
}


def write_page(comparison: Comparison, figures: Mapping[str, tuple[str, str]]) -> str:
    """The page; ``figures`` are (wide, narrow) SVG by name, in the page's order."""
    title = f"{comparison.scenario.name}: {', '.join(contender.label for contender in comparison.contenders)}"
    parts = [
        *_head(comparison),
        "<h2>In numbers</h2>",
        _table(comparison),
        f'<p class="note">{escape(_table_note(comparison))}</p>',
        *(figure(name, wide, narrow, CAPTIONS[name]) for name, (wide, narrow) in figures.items()),
        "<h2>What was run</h2>",
        definitions(_circumstances(comparison)),
        "<h2>Policies</h2>",
        definitions(_policies(comparison)),
        "<footer>Made by <code>wva compare</code>. All numbers are in results.json; "
        "<code>wva explain</code> says why each journal's decisions were made.</footer>",
    ]
    return document(title, parts)


def _head(comparison: Comparison) -> Iterable[str]:
    scenario = comparison.scenario
    offered = comparison.median(comparison.contenders[0])["offered"]
    yield f"<h1>{escape(scenario.name)}</h1>"
    yield (
        f'<p class="facts">{count(offered)} requests in {duration(comparison.window_s)}, queued at the '
        f"{scenario.gateway.queue.value}, {escape(_seeds(comparison))}</p>"
    )
    items = "\n".join(f"<li>{escape(sentence)}</li>" for sentence in sentences(comparison))
    yield f'<ul class="told">\n{items}\n</ul>'


def _seeds(comparison: Comparison) -> str:
    seeds = comparison.scenario.seeds
    return f"seed {seeds[0]}" if len(seeds) == 1 else f"medians of {len(seeds)} seeds"


def _table(comparison: Comparison) -> str:
    colours = policy_colours([(contender.label, contender.policy) for contender in comparison.contenders])
    heads = "".join(
        f'<th scope="col" style="color: {colour}">{escape(label)}</th>' for label, colour in colours.items()
    )
    rows = []
    for row in table_rows(comparison):
        cells = "".join(
            f'<td class="best">{escape(cell)}</td>' if index in row.best else f"<td>{escape(cell)}</td>"
            for index, cell in enumerate(row.cells)
        )
        rows.append(f'<tr><th scope="row">{escape(row.heading)}</th>{cells}</tr>')
    body = "\n".join(rows)
    return (
        f'<div class="scroll"><table>\n<thead><tr><th scope="col"></th>{heads}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody>\n</table></div>"
    )


def _table_note(comparison: Comparison) -> str:
    attainable = comparison.median(comparison.contenders[0])["attainable"]
    shown = f" Figures over time show seed {comparison.shown_seed}, the one of middling attainment."
    return (
        f"Attainable are the {percent(attainable)} of the requests that an empty replica would serve within the "
        "objectives. Strict TPOT asks for a mean time between tokens within the objective, whatever the first took."
    ) + (shown if len(comparison.scenario.seeds) > 1 else "")


def _circumstances(comparison: Comparison) -> Iterable[tuple[str, str]]:
    scenario = comparison.scenario
    for entry, ratio in zip(scenario.workload, comparison.burstiness, strict=True):
        source = "synthetic" if entry.trace is None else entry.trace.name
        shape = f"busiest 10 s over the mean: {ratio.source:.2f} before, {ratio.superposed:.2f} after superposing"
        yield f"traffic to {entry.model}", f"{source}, scale {entry.scale:.4g}; {shape}"
    for name, model in scenario.models.items():
        goals = model.objectives
        yield (
            f"model {name}",
            (
                f"{model.shape} in {model.precision}, priority {model.priority}; first token within {goals.ttft:g} s, "
                f"each further one within {1000 * goals.tpot:g} ms"
            ),
        )
    for variant in scenario.variants:
        yield (
            f"variant {variant.name}",
            (
                f"{variant.tensor_parallel} x {variant.accelerator}, ${variant.cost:g} an hour, {variant.min} to "
                f"{variant.max} replicas, {variant.initial} at the start, {variant.startup:g} s to start one"
            ),
        )
    gateway, control = scenario.gateway, scenario.control
    limits = f"failed without a first token in {gateway.first_token_timeout:g} s"
    if gateway.total_timeout is not None:
        limits += f", or without the last in {gateway.total_timeout:g} s"
    if gateway.queue_timeout is not None:
        limits += f", or held by the gateway for {gateway.queue_timeout:g} s"
    yield "queue", f"at the {gateway.queue.value}; routed {gateway.routing.value}; {limits}"
    yield "clients", _clients(scenario.clients)
    yield "control", f"a decision every {control.interval:g} s, metrics every {control.scrape:g} s"
    site = scenario.power
    if site.carbon_intensity is not None:
        grams = " to ".join(f"{value:g}" for value in _range([value for _, value in site.carbon_intensity]))
        yield "emissions", f"{grams} g of CO2 a kWh of the site, {site.pue:g} kWh of the site for one of its GPUs"
    yield "seeds", ", ".join(str(seed) for seed in scenario.seeds)
    if comparison.fit is not None:
        fit = comparison.fit
        yield (
            "scaled to fit",
            (
                f"{fit.replicas} {fit.variant} attain {percent(fit.attainment)}, one less "
                f"{percent(fit.attainment_with_one_less)}"
            ),
        )


def _clients(clients: ClientsSpec) -> str:
    limit = clients.max_concurrency
    sent = "send when a request is due" if limit is None else f"have at most {limit:,} requests outstanding"
    return f"{sent}; {'wait for every answer' if clients.at_end is AtEnd.WAIT else 'leave when the window ends'}"


def _policies(comparison: Comparison) -> Iterable[tuple[str, str]]:
    for contender in comparison.contenders:
        told = f"{contender.policy}, with {_plain(contender.options)}" if contender.options else contender.policy
        found = [run.found for run in comparison.of(contender) if run.found is not None]
        if contender.policy == CLAIRVOYANT:
            told += ": a schedule for each seed, told its whole traffic"
        if contender.policy == STATIC_BEST:
            fleets = [" + ".join(f"{n} {name}" for name, n in each["replicas"].items()) for each in found]
            told += f": the cheapest static fleet for each seed, told its whole traffic; found {', '.join(fleets)}"
        yield contender.label, told


def _range(values: Sequence[float]) -> list[float]:
    return sorted({min(values), max(values)})


def _plain(options: Mapping[str, Any]) -> str:
    return json.dumps(dict(options))
