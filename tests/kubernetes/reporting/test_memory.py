"""What is kept comes back as it was, in documents of bounded size; what cannot be read is passed over and told."""

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from wva.decide.memory import Quiet
from wva.kubernetes.ownership import Truce
from wva.kubernetes.picture import Remembered
from wva.kubernetes.reporting.memory import CLUSTER, LARGEST_DOCUMENT, Kept, decode, encode, lasting
from wva.kubernetes.shortage import Shortage, Shortages, Waits
from wva.policies.hpa.memory import VariantMemory

SHORT = Shortages({"H100-80GB": Waits(180.0, 20.5, 5.0)}, {"H100-80GB": Shortage(1.0, 300.0, 2, "no node")})
REMEMBERED = Remembered(
    truces={"team/a": Truce(written=3, replaced=2, written_at=10.25)},
    published={"team/a": 3, "other/b": 0},
    shortages=SHORT,
)
KEPT = Kept(REMEMBERED, {("HorizontalPodAutoscaler", "team", "a"): {"currentReplicas": 2, "conditions": []}})


def test_documents_are_by_namespace() -> None:
    documents = encode(KEPT)
    assert documents.keys() == {"team", "other", CLUSTER}
    team = json.loads(documents["team"])
    assert team["version"] == 1
    assert team["published"] == {"team/a": 3}
    assert team["said"] == {"HorizontalPodAutoscaler/team/a": {"currentReplicas": 2, "conditions": []}}
    assert decode(documents) == (KEPT, ())


def test_nothing_to_keep_is_no_document() -> None:
    assert encode(Kept()) == {}
    assert decode({}) == (Kept(), ())


def test_what_cannot_be_read_is_passed_over_and_told() -> None:
    good = encode(KEPT)
    newer = json.dumps({"version": 2, "published": {"team/z": 9}})
    kept, notices = decode({**good, "new": newer, "odd": "{", "list": "[]"})
    assert kept == KEPT
    assert notices == (
        "list: is no JSON object",
        "new: is of version 2, and 1 is read here",
        "odd: is no JSON",
    )
    wrong = json.dumps({"version": 1, "published": {"x/a": "many", "x/b": 2}, "truces": [], "later": {"x": 1}})
    kept, notices = decode({"x": wrong})
    assert kept.remembered.published == {"x/b": 2}
    assert notices == ("published of x/a: is no int",)


def test_a_large_namespace_has_several_documents() -> None:
    said = {("ScaledObject", "team", f"v{number:04}"): {"text": "é" * 500} for number in range(400)}
    documents = encode(Kept(said=said))
    assert len(documents) > 3
    assert all(key.partition(".")[0] == "team" for key in documents)
    assert max(len(text.encode()) for text in documents.values()) < LARGEST_DOCUMENT + 10_000
    assert decode(documents)[0].said == said


def test_only_what_lasts_is_kept() -> None:
    follower = VariantMemory(1.0, 1, 1, ())
    now = replace(REMEMBERED, followers={"team/a": follower}, quiet={"team/org/model": Quiet(1.0, 2.0, 3.0)})
    assert lasting(now) == REMEMBERED


NAMES = st.builds("/".join, st.tuples(st.sampled_from(["team", "other-ns", "x"]), st.text("ab/.é", min_size=1)))
PLAIN = st.text("abc", min_size=1, max_size=3)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
WHOLE = st.integers(-(2**31), 2**31)
SHORTAGE = st.builds(Shortage, FLOATS, FLOATS, WHOLE, st.text(max_size=20))
SHORTAGES = st.builds(
    Shortages, st.dictionaries(PLAIN, st.builds(Waits, FLOATS, FLOATS, FLOATS)), st.dictionaries(NAMES, SHORTAGE)
)
TRUCES = st.builds(Truce, st.none() | WHOLE, st.none() | WHOLE, FLOATS, FLOATS, WHOLE, st.none() | WHOLE)
STATUS = st.dictionaries(PLAIN, st.none() | WHOLE | st.text() | st.lists(st.text()) | st.dictionaries(PLAIN, FLOATS))
DECLARED = st.tuples(st.sampled_from(["HorizontalPodAutoscaler", "ScaledObject"]), PLAIN, PLAIN)
REMEMBERING = st.builds(
    Remembered,
    st.dictionaries(NAMES, TRUCES),
    st.just({}),
    st.dictionaries(NAMES, WHOLE),
    SHORTAGES,
)


@given(st.builds(Kept, REMEMBERING, st.dictionaries(DECLARED, STATUS, max_size=4)))
def test_what_is_kept_comes_back(kept: Kept) -> None:
    assert decode(encode(kept)) == (kept, ())
