"""The brain's configuration: one default for every fleet, nothing in it knows a workload."""

from dataclasses import dataclass, fields

SHARES = (
    "headroom",
    "least_headroom",
    "tolerance",
    "shrink_share",
    "surprise_headroom",
    "calibration_step",
)
"""Settings that are a part of something."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Tunables of the brain; each with its unit, its default and why.

    Raises ``ValueError`` for a part outside 0 to 1, a time below a second, and anything negative.
    """

    headroom: float = 0.36
    """Part of the capacity at the objectives that the level of the load leaves free, 0 to 1: for what nobody sees
    coming, such as twice the load for as long as a start-up takes. Less of it is kept where answers are long and so
    average bursts out, and more by loads that keep few replicas busy. Policy owners who want more requests within the
    objectives at more cost raise this and nothing else."""
    few_replicas: float = 2.0
    """Replicas that a load keeps busy below which its headroom grows: a fleet of so few has hardly any room for the
    one long prompt or the dozen requests that come at once, and its loads change by more in parts of themselves."""
    least_headroom: float = 0.05
    """Part of the capacity that stays free under a load that is seen coming, at most the headroom: queueing needs it
    even then."""
    tolerance: float = 0.9
    """Part of the headroom that may be in use before a replica is ordered, up to half a replica: starting and stopping
    one for every waver of the load costs more than it serves."""
    kv_headroom: float = 0.15
    """Part of the KV cache that stays free, for a headroom ``h`` of a half; for others in proportion to
    ``h / (1 - h)``. A full cache stops admission at once, and answers that get longer show only as it fills. Less than
    the headroom, because what the caches hold is carried along its growth already."""
    most_occupied: float = 2.5
    """Largest need that a filling KV cache is believed to show, as a factor of what the arrivals need: a queue that is
    being worked off fills every cache there is."""
    burst_deviations: float = 0.3
    """Standard deviations of short-term load above its level that are served beside the headroom, which is there for
    most of them: more costs replicas that are idle between bursts, fewer lose requests in each."""
    surge_deviations: float = 1.4
    """The same above a load that is seen coming, for a headroom ``h`` of a half; for others in proportion to
    ``h / (1 - h)``, what is kept free for each unit in use: where loads surge often it is there for the next one."""
    surprise_deviations: float = 1.5
    """Standard deviations of the usual bursts by which a load of the fast window must exceed its level before it counts
    as something else than one of them."""
    surprise_headroom: float = 0.9
    """Part of the headroom that stays free above what exceeds them: a step that is not met at once is lost for a whole
    start-up, and one that passes has cost a replica for that long."""
    level_window_s: float = 300.0
    """Seconds over which the level and the trend of the load are measured, and which must have been seen before a
    shrink: long enough to see a trend through noise."""
    most_growth: float = 2.0
    """Largest growth over the horizon that a trend is believed to bring, as a factor: no ramp is endless."""
    ramp_margin: float = 1.35
    """How far a trend is carried, as a factor of the horizon: a ramp that steepens is met too late by a whole start-up,
    and one that ends has cost a part of a replica."""
    sudden_growth: float = 1.25
    """Largest growth over the horizon that is believed where it has just begun: it may be a step, and a step is no
    ramp."""
    burst_bin_s: float = 15.0
    """Seconds of the bins in which bursts are measured: what a start-up cannot answer and a queue cannot hide."""
    burst_memory_s: float = 1800.0
    """Seconds after which a measured burst counts for 1/e of a fresh one: some dozens of start-ups, so that what is
    learned of bursts is more than the last one."""
    prior_burstiness: float = 0.7
    """Mean absolute deviation of the load in short bins, in parts of its level, that is believed before any was seen:
    a bursty load is lost while it is learned, and a smooth one costs little more until it is known."""
    prior_burstiness_s: float = 300.0
    """Seconds of load that this belief counts as: a level window, so that a load is believed to be what it shows from
    the second one on."""
    fast_window_s: float = 60.0
    """Seconds over which a sudden load is measured, at least: the shortest in which tens of requests show a rate."""
    fast_residences: float = 2.0
    """The same in times that a request is in flight: a burst shorter than that never is in the engines as a whole."""
    answer_window_s: float = 300.0
    """Seconds over which generated tokens are set against arrivals, at least: they must span many answers."""
    mix_memory_s: float = 120.0
    """Seconds over which mean prompt and answer lengths are smoothed: the engines' own means span five minutes."""
    calibration_band: float = 0.3
    """Deviation of measured from predicted engine time, as a part, within which the engine model is believed as it is:
    its own accuracy uncalibrated, with what load that varies within a window adds."""
    calibration_memory_s: float = 120.0
    """Seconds over which the measured speed of engines is smoothed: an engine does not change its speed by the minute,
    and the measurement is a five-minute mean already."""
    calibration_step: float = 0.05
    """Largest change of the believed speed in one decision, as a part: no single measurement may move a fleet."""
    backlog_s: float = 120.0
    """Seconds in which requests held at the gateway are to be worked off: about a start-up, before which nothing that
    is ordered for them helps."""
    fill_window_s: float = 120.0
    """Seconds over which the growth of what the KV caches hold is measured at least: answers that get longer show
    nowhere sooner."""
    hold_horizons: float = 0.5
    """For how long capacity once needed is kept under an even load, in times that a new replica takes: a fall that
    lasts is known by then, and stopping and starting again costs no more."""
    hold_deviations: float = 4.0
    """How much longer for each standard deviation of short-term load: the burstier, the sooner it is needed again."""
    least_burst_hold_s: float = 120.0
    """The time that this is counted in where a new replica takes less: when the next burst comes does not depend on
    how fast replicas start."""
    first_hold_horizons: float = 6.0
    """The least of that time for a load that is new, in times that a new replica takes: a need may be the first of
    many. It shrinks to 1/e of itself within each burst memory."""
    longest_hold_s: float = 900.0
    """Seconds for which capacity once needed is kept at most, where needs come back in waves: some start-ups, beyond
    which starting again is cheaper than waiting."""
    idle_window_s: float = 600.0
    """Seconds without a request after which a model may go to zero replicas, where its minimum allows: several
    start-ups, because the next request waits for one."""
    shrink_share: float = 0.25
    """Largest part of a model's capacity given up in one decision: an error shows before it costs everything."""
    stale_s: float = 60.0
    """Age in seconds from which a figure counts as unknown: four scrapes at the usual 15 s."""
    stuck_s: float = 120.0
    """Seconds without hardware after which a pending replica no longer counts as coming supply: an ordinary wait for a
    scheduler or a node image is shorter."""
    start_patience: float = 2.0
    """Times the start-up that most keep, after which a replica that still starts no longer counts as coming supply."""
    least_start_patience_s: float = 120.0
    """Seconds that it counts at least, however short starts are."""
    startup_quantile_deviations: float = 2.0
    """Mean absolute deviations added to the mean start-up time, for a horizon that most starts keep: 1.6 standard
    deviations where starts are normal, 95 % of them."""
    plan_valid_s: float = 60.0
    """Seconds for which a plan may still be carried out: what it saw is stale after that."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in SHARES and not 0.0 <= value < 1.0:
                raise ValueError(f"{field.name} must be at least 0 and less than 1, not {value}")
            if field.name.endswith("_s") and not value >= 1.0:
                raise ValueError(f"{field.name} must be at least 1 second, not {value}")
            if not value >= 0.0:
                raise ValueError(f"{field.name} must not be negative, not {value}")
