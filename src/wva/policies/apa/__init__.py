"""AIBrix's own pod autoscaler (APA), one for every variant, on metrics of its pods.

It follows ``pkg/controller/podautoscaler`` of AIBrix in mid-2026: the controller computes every 10 s, keeps the mean
over the pods for its observe window, and compares the mean of that window with the target.

``algorithm`` is the arithmetic, ``cooldown`` what holds a count back, and ``policy`` puts them together.

What differs from a cluster:

- AIBrix reads the pods when it computes. Here it has their newest scrape.
- Schedules, prediction, the circuit breaker and metrics from other sources than pods are not there.
- A minimum of 0 is never left again: AIBrix has no metric of a variant without pods.
- The memory survives a restart of the policy; AIBrix's is lost with its process.
"""
