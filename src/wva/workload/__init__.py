"""Requests in: traces from files or drawn, copies of them superposed, and the workload that they make together."""
