"""Answers read by the text of their labels say what a reader of JSON finds in them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wva.prometheus.answer import RefusedError
from wva.prometheus.series import Progress, SeriesReader

ODD = ("plain", '},"value":[[1,"2"]]}', '{"metric":{"__name__":"x"', "]}]}", "],[", 'back\\slash "quote"', "ü\n☃", "")
"""Values of labels that look like what is searched for."""
LABELS = st.dictionaries(st.sampled_from(("pod", "instance", "job", "le")), st.sampled_from(ODD), max_size=4)


class Kept(Progress):
    """Series with the same labels."""

    def __init__(self, labels: dict[str, str]) -> None:
        super().__init__()
        self.labels = labels


def series(name: str, labels: dict[str, str], *samples: tuple[float, str]) -> dict[str, Any]:
    return {"metric": {"__name__": name, **labels}, "values": [list(one) for one in samples]}


def answer(*found: dict[str, Any], kind: str = "matrix", **more: Any) -> bytes:
    """As Prometheus writes it."""
    whole = {"status": "success", "data": {"resultType": kind, "result": list(found)}, **more}
    return json.dumps(whole, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def read(reader: SeriesReader[Kept], body: bytes) -> list[tuple[str, dict[str, str], float, float]]:
    names, of, times, values = reader.read(body)
    every = [name for name, count in names for _ in range(count)]
    whole = zip(every, of, times, values, strict=True)
    return [(name, one.labels, time, value) for name, one, time, value in whole]


def expected(body: bytes) -> list[tuple[str, dict[str, str], float, float]]:
    found = []
    for one in json.loads(body)["data"]["result"]:
        labels = {name: value for name, value in one["metric"].items() if name != "__name__"}
        for time, value in one.get("values") or [one["value"]]:
            found.append((one["metric"]["__name__"], labels, time, float(value)))
    return found


@given(
    st.lists(
        st.tuples(
            st.sampled_from(("a", "ab", "b")),
            LABELS,
            st.lists(
                st.tuples(st.floats(1, 2e9), st.sampled_from(("1", "0.25", "1e+21", "+Inf"))), min_size=1, max_size=3
            ),
        ),
        max_size=6,
    ),
    st.booleans(),
)
def test_whatever_labels_there_are(found: list[Any], again: bool) -> None:
    body = answer(*(series(name, labels, *samples) for name, labels, samples in found))
    reader = SeriesReader(Kept)
    if again:
        reader.read(body)
    assert read(reader, body) == expected(body)


def test_however_it_is_written() -> None:
    plain = answer(series("x", {"pod": "a"}, (1.5, "2"), (2.5, "3")), series("x", {"pod": "b"}, (1.25, "4")))
    spaced = json.dumps(json.loads(plain), indent=1).encode()
    name_last = {"metric": {"Cluster": "eu", "__name__": "x", "pod": "c"}, "values": [[1.0, "5"]]}
    swallowed = answer(series("x", {"pod": "a"}, (1.5, "2")), name_last)
    vector = answer({"metric": {"__name__": "x", "pod": "a"}, "value": [7.5, "1"]}, kind="vector")
    warned = answer(series("x", {"pod": "a"}, (1.5, "2")), warnings=['metric might not be a counter: ]}], [1,"2"]'])
    nothing = answer()
    for body in (plain, spaced, swallowed, vector, warned, nothing):
        reader = SeriesReader(Kept)
        for _ in range(2):
            assert read(reader, body) == expected(body)


def test_only_what_is_new_is_read_again() -> None:
    reader = SeriesReader(Kept)
    first = answer(series("x", {"pod": "a"}, (1.5, "2"), (2.5, "3")))
    (one, _) = reader.read(first).of
    one.pass_over()
    assert read(reader, first) == []
    later = answer(series("x", {"pod": "a"}, (2.5, "3"), (3.5, "4"), (4.5, "5")))
    assert [(time, value) for _, _, time, value in read(reader, later)] == [(3.5, 4), (4.5, 5)]
    # What it was marked by is no longer in the answer.
    assert len(read(reader, answer(series("x", {"pod": "a"}, (8.5, "3"), (9.5, "4"))))) == 2


def test_a_series_with_something_in_front_of_its_name_is_told_from_the_one_before_it() -> None:
    def body(*samples: tuple[float, str]) -> bytes:
        behind = {"metric": {"Adapter": "y", "__name__": "x", "pod": "a"}, "values": [[t, v + "0"] for t, v in samples]}
        return answer(series("x", {"pod": "a"}, *samples), behind)

    reader = SeriesReader(Kept)
    for one in reader.read(body((1.5, "2"))).of:
        one.pass_over()
    reader.read(answer(series("x", {"pod": "a"}, (1.5, "2"), (2.5, "3"))))
    assert [value for _, _, _, value in read(reader, body((1.5, "2"), (2.5, "3")))] == [3.0, 30.0]
    assert len(reader.present(body((1.5, "2")))) == 2


def test_who_is_there_is_told_whatever_was_read_before() -> None:
    reader = SeriesReader(Kept)
    body = answer(series("x", {"pod": "a"}, (1.5, "2")), series("y", {"pod": "b"}, (1.5, "NaN")))
    for one in reader.read(body).of:
        one.pass_over()
    spaced = json.dumps(json.loads(body), indent=1).encode()
    for again in (body, body, spaced):
        assert [one.labels for one in reader.present(again)] == [{"pod": "a"}, {"pod": "b"}]
    with pytest.raises(RefusedError):
        reader.present(body[:-20])


def test_what_belongs_to_nothing_is_passed_over_and_what_is_gone_is_made_anew() -> None:
    made: list[dict[str, str]] = []

    def owner(labels: dict[str, str]) -> Kept | None:
        made.append(labels)
        return Kept(labels) if "pod" in labels else None

    reader = SeriesReader(owner)
    body = answer(series("x", {"pod": "a"}, (1.5, "2")), series("x", {"job": "b"}, (1.5, "2")))
    for _ in range(2):
        assert len(read(reader, body)) == 1
    assert len(made) == 2
    reader.forget(lambda _: True)
    assert len(read(reader, body)) == 1
    assert len(made) == 4


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nothing",
        b"[]",
        b'{"status":"error","error":"too many samples"}',
        b'{"status":"success","data":{"resultType":"matrix","result":["',
        answer(series("x", {"pod": "a"}, (1.5, "two"))),
        answer({"metric": {}, "values": []}),
        answer(series("x", {"pod": "a"}, (1.5, "2")))[:-20],
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(body: bytes) -> None:
    with pytest.raises(RefusedError) as error:
        SeriesReader(Kept).read(body)
    assert "\n" not in str(error.value)
