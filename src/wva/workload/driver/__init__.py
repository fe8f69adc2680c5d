"""An open-loop driver: it sends each request of a workload at its time, whatever became of those before."""
