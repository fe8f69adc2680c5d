"""Knative's Pod Autoscaler (KPA), one for every variant, on the concurrency of its replicas.

It follows Knative Serving's ``pkg/autoscaler`` (``scaling/autoscaler.go``, ``metrics``, ``aggregation``) and the part
of ``pkg/reconciler/autoscaling/kpa/scaler.go`` that takes a revision to zero.

``concurrency`` is what a scrape says, ``decider`` turns its means into a count, ``zero`` handles a count of 0, and
``policy`` puts them together.

What differs from a cluster:

- Knative asks the pods for their concurrency every second and averages the seconds of its windows. Here a reading comes
  with each scrape, every 15 s say, and a window averages the readings it has. The stable window of 60 s then has four.
  The panic window of 6 s has the newest reading or, most of the time, none, and takes the newest all the same: panic
  follows a single instant, up to a scrape interval and a decision interval old, instead of the mean of six.
- Concurrency is what the engine runs and has waiting, not what a queue proxy counted over a second.
- What the gateway holds is what Knative's activator would hold. It counts as concurrency of the model's variants in
  equal parts, as where traffic is split equally among revisions.
- Nothing probes an activator, and an activation does not time out.
- The memory survives a restart of the policy; Knative's is lost with its process.
- Metrics of requests per second are not there.
"""
