"""llm-d's SLO-aware autoscaling: latency against its objectives, through a KEDA formula and the HPA that KEDA makes.

The law is that of llm-d's ``docs/architecture/autoscaling/slo-aware.md``, its numbers those of the guide
``guides/workload-autoscaling/slo-aware``. ``saturation`` is what Prometheus records every 15 s: the worse of the P90
TTFT and the P90 TPOT over their objectives, capped and averaged over 45 s. ``law`` is the formula that makes a count of
it, and ``policy`` hands that count, as an external metric with an ``AverageValue`` of 1, to an HPA.

What differs from a cluster:

- Latencies are measured. The router's own prediction, which the original prefers where its plugin runs, is not there,
  and the original falls back to the same histograms.
- The original is for one variant and one pair of objectives. A fleet has several variants of a model: each has a
  ScaledObject of its own that applies the law to its own replicas, with the latencies of the model over all variants,
  because the router's histograms know no variant. All of them therefore grow and shrink at once.
- A minimum of 0 counts as 1: to and from zero is KEDA's own loop, which the guide leaves unused.

Kept, because the original is so: nothing seen is a saturation of 0, be it an idle pool, missing metrics, or a pool so
slow that nothing ends within a minute; and the credit for what starts can turn a call for more into one for fewer,
which only the HPA's window holds back.
"""
