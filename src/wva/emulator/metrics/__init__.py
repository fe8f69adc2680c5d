"""vLLM's metrics: every family that vLLM 0.32 shows for a text model, with its labels and buckets.

Durations are the modelled server's seconds, whatever the speed, as its own clock would measure them; counts are counts.
So latencies compare with objectives and with other speeds as they are, while a rate per second of a Prometheus that
scrapes in real time is ``speed`` times the modelled one. Only ``process_*`` and ``*_created`` are in real time.
"""
