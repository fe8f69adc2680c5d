import numpy as np

from wva.workload.blocks import dense
from wva.workload.merge import merge
from wva.workload.trace import Trace


def trace_of(arrivals: list[float], tokens: int, duration_s: float = 10.0, blocks: list[int] | None = None) -> Trace:
    return Trace(
        np.array(arrivals),
        np.full(len(arrivals), tokens, np.int32),
        np.full(len(arrivals), tokens + 1, np.int32),
        duration_s,
        None if blocks is None else dense(np.ones(len(blocks), np.int64), np.array(blocks, np.int64), 512),
    )


def test_requests_of_all_models_stand_in_order_of_arrival() -> None:
    workload = merge(
        ("a", "idle", "b"),
        [("b", trace_of([0.5, 2.0], 7, 5.0)), ("a", trace_of([0.25, 2.0, 9.0], 20)), ("b", trace_of([2.0], 40, 3.0))],
    )
    assert workload.arrival_ps.tolist() == [25 * 10**10, 5 * 10**11, 2 * 10**12, 2 * 10**12, 2 * 10**12, 9 * 10**12]
    assert workload.model.tolist() == [0, 2, 2, 0, 2, 0]
    assert workload.input_tokens.tolist() == [20, 7, 7, 20, 40, 20]
    assert workload.output_tokens.tolist() == [21, 8, 8, 21, 41, 21]
    assert workload.models == ("a", "idle", "b")
    assert workload.window_s == 10.0
    assert workload.blocks is None


def test_columns_have_the_widths_that_the_simulator_reads() -> None:
    workload = merge(("a",), [("a", trace_of([0.0, 1.0], 7, blocks=[3, 3]))])
    assert workload.blocks is not None
    columns = (workload.arrival_ps, workload.model, workload.input_tokens, workload.output_tokens)
    assert [column.dtype for column in columns] == [np.int64, np.int16, np.int32, np.int32]
    assert [workload.blocks.offsets.dtype, workload.blocks.ids.dtype] == [np.int64, np.int32]
    assert all(column.flags.c_contiguous and column.flags.writeable for column in columns)


def test_one_model_changes_neither_order_nor_its_trace() -> None:
    trace = trace_of([0.0, 1.0], 7)
    trace.input_tokens.flags.writeable = False
    workload = merge(("a",), [("a", trace)])
    workload.input_tokens[0] = 99
    assert trace.input_tokens.tolist() == [7, 7]


def test_blocks_follow_their_request_and_models_share_none() -> None:
    workload = merge(
        ("a", "b", "c"),
        [
            ("a", trace_of([0.0, 3.0], 7, blocks=[5, 6])),
            ("b", trace_of([1.0, 2.0], 8)),
            ("c", trace_of([0.5, 4.0], 9, blocks=[5, 5])),
        ],
    )
    assert workload.model.tolist() == [0, 2, 1, 1, 0, 2]
    assert workload.blocks is not None
    assert workload.blocks.offsets.tolist() == [0, 1, 2, 2, 2, 3, 4]
    a_first, c_first, a_second, c_second = workload.blocks.ids.tolist()
    assert len({a_first, a_second, c_first}) == 3
    assert c_first == c_second


def test_no_arrival_rounds_up_to_the_end_of_the_window() -> None:
    workload = merge(("a",), [("a", trace_of([float(np.nextafter(10.0, 0))], 1))])
    assert workload.arrival_ps.tolist() == [10**13 - 1]
