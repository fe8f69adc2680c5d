"""KEDA on the router's metrics, as in llm-d's guide "Autoscaling Workloads with KEDA and EPP Metrics".

One ScaledObject for every variant. KEDA itself takes a variant from 0 to 1 and back (``pkg/scaling/executor``); between
1 and its maximum the HPA acts that KEDA makes of the ScaledObject, with the triggers as external metrics
(``wva.policies.hpa``). The guide is llm-d's ``guides/workload-autoscaling/keda-epp`` of August 2026: by default its
queue overlay, with the scale-up window of 300 s that it takes for start-up time. Its other overlays are options:
pool saturation in the place of the queue, and the guard against overshoot in the place of the window; so is the KV
trigger of its token-aware sibling. That one's other trigger needs the tokens that the router counts in flight, which
no observation has.

``settings`` is what a user writes into the object, ``router`` reads the metrics, ``executor`` is KEDA's own part, and
``policy`` puts them together.

A metric of the router is one of the whole pool, and the guide has one Deployment for each pool. Where several variants
serve a model, each one's query is multiplied by its *share*, equal parts by default, so that together they ask for what
the pool needs; whoever owns the fleet says with the shares who takes how much. A variant at its maximum leaves the rest
of its share to nobody.

What differs from a cluster, besides what differs for the HPA:

- The endpoint picker knows its endpoints to 50 ms. Here it knows what the newest scrape says, and a replica that became
  ready since is not one of them yet.
- ``fallback``, ``idleReplicaCount`` and the annotations that pause or force are not there: the guide uses none.
"""
