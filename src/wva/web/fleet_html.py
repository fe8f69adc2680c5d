"""The replicas that are there now, as HTML."""

from html import escape

from wva.live.state import ReplicaState, VariantState
from wva.web import words

ROWS_KEPT_FREE = 4
"""A variant's list is at least as high as so many replicas, or as many as it may have: what is below stays in place."""


def head_html(variant: VariantState, colour: str) -> str:
    """What a variant is and how many replicas it has."""
    ready = sum(replica.phase == "ready" for replica in variant.replicas)
    gpus = f"{variant.gpus_per_replica} \N{MULTIPLICATION SIGN} " if variant.gpus_per_replica > 1 else ""
    wanted = variant.desired if variant.target is None else variant.target
    other = f", held at {variant.desired}" if wanted != variant.desired else ""
    return (
        f'<i class="swatch" style="background:{colour}"></i><b>{escape(variant.name)}</b>'
        f'<span class="muted">{gpus}{escape(variant.accelerator)}, {words.dollars(variant.cost_per_hour)}/h</span>'
        f'<span class="count"><b>{ready}</b> ready of <b>{wanted}</b> wanted{other}</span>'
    )


def replicas_html(variant: VariantState, colour: str, now: float) -> str:
    """A row for each replica; one sentence where there is none."""
    rows = min(ROWS_KEPT_FREE, variant.max_replicas)
    if not variant.replicas:
        inner = f'<p class="none">No replica. {_why_none(variant)}</p>'
    else:
        inner = _HEAD + "".join(_row(replica, now) for replica in variant.replicas)
    return f'<div class="rows" style="--variant:{colour};--rows:{rows}">{inner}</div>'


_HEAD = (
    '<div class="row labels" aria-hidden="true"><span>replica</span><span>state</span><span>KV cache</span>'
    "<span>running</span><span>waiting</span></div>"
)


def _why_none(variant: VariantState) -> str:
    if variant.pinned == 0:
        return "It is held at none."
    return (
        "The first request brings one." if variant.min_replicas == 0 else f"At least {variant.min_replicas} should be."
    )


def _row(replica: ReplicaState, now: float) -> str:
    age = words.age(now - replica.since)
    reason = f'<span class="reason">{escape(replica.reason)}</span>' if replica.reason else ""
    cells = (
        f"<span>{_meter(replica.kv_usage)}</span>"
        f'<span class="figure">{words.number(replica.running)}<span class="unit"> running</span></span>'
        f'<span class="figure">{words.number(replica.waiting)}<span class="unit"> waiting</span></span>'
        if replica.phase in ("ready", "draining")
        else f'<span class="rest">{reason}</span>'
    )
    return (
        f'<div class="row {replica.phase}"><span class="id" title="{escape(replica.id)}">{escape(replica.id)}</span>'
        f'<span class="state"><i class="dot"></i>{replica.phase} <span class="muted">{age}</span></span>{cells}</div>'
    )


def _meter(share: float | None) -> str:
    if share is None:
        return f'<span class="meter"></span><span class="figure">{words.UNKNOWN}</span>'
    width = max(0.0, min(1.0, share))
    return f'<span class="meter"><i style="width:{width:.0%}"></i></span><span class="figure">{share:.0%}</span>'
