"""What no policy can serve for less in the simulator: a lower bound on cost, by prices for engine time.

Why it holds
------------
Give the engine time of every variant ``v`` of a model a rent of ``w_v c_v p(t)``, where ``c_v`` is what the variant
costs, ``w_v <= 1`` a fixed weight and ``p(t) >= 0`` any path that makes no replica profitable to hire: over no interval
may ``p - 1`` add up to more than the seconds that a start is billed. Let replicas be paid that rent while they work and
requests pay it for the engine time that they take. Whatever a policy, a router and a scheduler do:

1. *No replica earns more than it costs.* It is billed from its start order to its release and can work only after
   its start, for at most the rent of its life: no more than the bill, by the choice of ``p``. Replicas that are there
   at the start, however many, have no start to pay, and ``p`` may not make them profitable either.
2. *The minimum costs what it does not earn.* Without a limit on hardware at least ``min_v`` replicas are on the bill
   until the end of the window. Put that many of them on seats; whoever sits stays until it is released or crashes, and
   then another on the bill takes the seat. What seats cost beyond their rent is at least
   ``min_v c_v (1 - w_v p(t))`` a second, and whoever takes a seat has cost at least as much before as it has earned,
   by 1. After the window nobody must stay, and ``p <= 1``.
3. *Every request pays at least its work at the lowest rent of the time that it has.* A request is served by one
   replica (a crash fails it). The steps that compute its prompt lie between its arrival and its first token, those of
   its further tokens between its arrival and its last. ``work`` shows that what the requests of a step need, as it is
   counted there, never adds up to more than the step. So a request that is met pays at least for its prompt at the
   lowest rent until its TTFT is over, and for the rest at the lowest until its deadline; one that is answered late
   pays for its prompt at the lowest rent until the client would have left, and for the rest at the lowest from its
   arrival on (until the client would leave, where there is a total timeout). One that fails pays nothing.

So cost is at least what the seats cost beyond their rent, plus what all requests pay. To know what ``met`` requests
cost at least, however they are chosen, let a met request earn ``m`` and a failed one cost ``f``: each is then
free to be met, late or failed, whichever is cheapest for it, and::

    cost >= seats + sum over requests of min(met price - m, late price, f) + m met - f failed

for every ``m, f >= 0`` and every ``p`` as above: weak duality of the linear programme that rents fractions of replicas.
The maximum over many ``(m, f, p)`` is the bound. How good paths ``p`` are found (``search``) does not matter to
its truth; ``rents`` checks that none makes a replica profitable, and the sum runs over every single request.

What it leaves out, and so how far it may be below what can be reached: replicas are whole; the router spreads requests
over them without knowing what they will cost; steps are not cut; a batch is not always full; the policy decides on an
interval only; who is first in a queue is served first; nodes are few, a variant has a maximum.
"""
