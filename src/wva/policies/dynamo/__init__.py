"""NVIDIA Dynamo's planner for aggregated serving: a load loop with quick small steps over a floor from the traffic.

It follows ``components/src/dynamo/planner`` of ai-dynamo/dynamo as of version 1.4 (``mode: agg``). ``throughput`` is
the slow loop: it predicts the requests of the next interval and orders what they need by the performance model; with
the load loop on, that is a floor. ``load`` is the quick loop: a replica more or less by the state of every engine.
``perf_model`` answers both from the time of a forward pass, ``predictors`` forecasts, ``budget`` bounds, ``traffic``
and ``engines`` read the observation in the planner's terms, ``memory`` is what stays between calls, and ``policy`` puts
them in the planner's order.

One planner knows one engine type, so every variant is a DynamoGraphDeployment with a planner of its own.

What differs from a cluster:

- Both loops are on by default (``optimization_target`` is ``sla``). The original's own default has no objectives, and
  under ``sla`` leaves the load loop off.
- The forward pass is that of ``wva.engine``, where the original asks AIConfigurator and corrects its answers by what it
  measures. In a simulation the engine's model is the truth, so this planner has a perfect profile.
- Each deployment's frontend counts the requests that it is given; here one gateway counts those of the model. A
  planner takes the part of them that its own engines took on in the interval (or a ``share`` that is configured).
- The engines' state of each forward pass is not published here. Prompts that wait are as long as the mean one, running
  requests all decode, and the prompt tokens of a usual pass are those per second times the time between tokens. Mean
  lengths and the hit rate of the prefix cache are those of the last five minutes.
- ``load_predictor`` is ``constant`` or ``kalman``: ``arima`` and ``prophet`` need libraries that are not there.
  ``kalman_min_points`` is left out because the original never reads it, and so are ``min_gpu_budget``, which is off by
  default, speculative decoding, warm-up traces and the GlobalPlanner.
- ``max_gpu_budget`` is off by default instead of 8: a variant's maximum bounds it.

Kept, because the original is so: while any replica starts the planner only looks on, so it grows once a start-up. Later
versions may stop replicas that still start.
"""
