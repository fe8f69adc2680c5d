from dataclasses import replace

from tests.web.story import Story
from wva.live.state import TickState
from wva.web.decision_html import body_html, kind, summary_html
from wva.web.stream import entries, headline


def _tick(number: int, before: int = 1, target: int = 1, result: str = "applied") -> TickState:
    """A turn of one variant, 15 s after the one before it."""
    made = Story().tell()
    point = replace(made.variants[0], before=before, target=target)
    return replace(
        made,
        number=number,
        time=15.0 * number,
        result=result,
        changes=before != target or result == "not_applied",
        words="the fleet did not answer for the plan",
        variants=(point,),
    )


def test_what_is_held_in_a_row_is_one_entry_and_every_change_is_its_own() -> None:
    stream = entries([_tick(1), _tick(2), _tick(3, 1, 3), _tick(4, 3, 4), _tick(5), _tick(6), _tick(7)])
    assert [(entry.first.number, entry.last.number, entry.turns) for entry in stream] == [
        (1, 2, 2),
        (3, 3, 1),
        (4, 4, 1),
        (5, 7, 3),
    ]
    assert headline(stream[3]) == "Held for 30s, 3 decisions"
    assert [kind(entry) for entry in stream] == ["held", "changed", "changed", "held"]


def test_a_pause_ends_what_is_held() -> None:
    assert len(entries([_tick(1), _tick(2, result="paused"), _tick(3, result="paused")])) == 2


def test_a_change_says_the_step_that_settles_it_and_what_became_of_it() -> None:
    tick = _tick(1, 1, 3)
    clamped = replace(
        tick.variants[0], reasons=("load 4", "2 more"), reason_codes=("demand", "grow"), outcome="clamped"
    )
    entry = entries([replace(tick, variants=(replace(clamped, outcome_detail="no GPU is free"),))])[0]
    assert headline(entry) == "2 more (clamped, no GPU is free)"


def test_a_failure_says_what_failed() -> None:
    entry = entries([_tick(1, result="not_applied")])[0]
    assert (kind(entry), headline(entry)) == ("failed", "the fleet did not answer for the plan")


def test_what_comes_from_elsewhere_is_text_and_not_html() -> None:
    tick = _tick(1, 1, 3)
    evil = replace(tick.variants[0], name="<b>", reasons=("<img src=x>",), reason_codes=("<i>",), outcome_detail="<u>")
    entry = entries([replace(tick, variants=(evil,), problems={"<p>": "<q>"}, cause="<s>", trigger="burst")])[0]
    made = summary_html(entry, 0.0, {}) + body_html(entry, {})
    assert not any(tag in made for tag in ("<b>&", "<img", "<i>", "<u>", "<q>", "<s>"))
    assert "&lt;img src=x&gt;" in made


def test_the_body_says_what_other_policies_would_have() -> None:
    tick = _tick(1, 1, 3)
    assert "hpa would have a100 2" in body_html(entries([tick])[0], {})
    same = replace(tick, variants=(replace(tick.variants[0], shadows={"hpa": 3}),))
    assert "hpa would have the same" in body_html(entries([same])[0], {})
