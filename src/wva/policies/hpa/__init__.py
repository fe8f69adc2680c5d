"""The Horizontal Pod Autoscaler of Kubernetes (``autoscaling/v2``), one for every variant, on metrics of its pods.

It follows the controller ``pkg/controller/podautoscaler`` as of Kubernetes 1.33 and later, in the controller's own
numbers: metric values and targets are whole thousandths (``int64`` milli-quantities), the mean over pods is an integer
division, ratios and rates are double-precision floats, and a count is the ceiling of such a float.

``settings`` is what a user writes into the object, ``pods`` groups the replicas, ``calculator`` proposes a count from
one metric, ``stabilization`` and ``rates`` hold it back, ``memory`` is what the controller remembers, and ``policy``
puts them in the controller's order.

What differs from a cluster:

- It computes when it is called, up to 5 % of a sync period early; the controller is always a little late. What is
  exactly as old as a window or period is therefore over, as it always is in a cluster.
- The pod of a starting replica is in phase ``Running`` all the time, or ``Pending`` all the time if configured so.
- A replica is one pod, whatever it consists of, and a failed one is not seen.
- A scale event counts as soon as the plan is made; the controller counts it once the API server took the new count.
- The memory survives a restart of the policy; the controller's is lost with its process.
- A value that is not a number is missing. The Prometheus adapter would serve it as 0.
- ``int64`` does not overflow here.
- A minimum of 0 counts as 1, because the API refuses 0 for an HPA that has only metrics of pods.
"""
