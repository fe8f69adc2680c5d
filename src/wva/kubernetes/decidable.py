"""Whether enough is known of a variant's pods to decide on its count."""

from wva.kubernetes.accelerator import Resolution
from wva.kubernetes.arguments.server import ServerArguments
from wva.kubernetes.conditions import Aspect, Because, Condition
from wva.kubernetes.objects.workload import Template


def decidable(template: Template, accelerator: Resolution) -> tuple[ServerArguments, str] | Condition:
    """The server's arguments and its accelerator's name, of which its capacity can be told; or what stands against."""
    server = template.server
    if isinstance(server, str):
        return undecidable(Because.UNKNOWN_SERVER, server)
    if accelerator.name is None:
        return undecidable(Because.UNKNOWN_ACCELERATOR, accelerator.reason or "unknown accelerator")
    problem = _parallelism(template, server)
    return (server, accelerator.name) if problem is None else undecidable(Because.NOT_MODELLED, problem)


def undecidable(because: Because, message: str) -> Condition:
    """The condition that says so."""
    return Condition(Aspect.OPTIMIZATION_READY, False, because, message)


def _parallelism(template: Template, server: ServerArguments) -> str | None:
    marks = ("--tensor-parallel", "--pipeline-parallel", "--data-parallel", "VLLM_DP", "--config")
    unread = next((problem for problem in server.problems if problem.startswith(marks)), None)
    if unread is not None:
        return f"the parallelism is not known: {unread}"
    if (server.pipeline_parallel or 1) > 1 or (server.data_parallel or 1) > 1:
        return "pipeline and data parallel servers have no capacity model"
    asked, tensor_parallel = template.gpus.count, server.tensor_parallel or 1
    if asked is None:
        return "the GPUs of a pod are not known: its request cannot be read, or is a claim"
    return None if asked == tensor_parallel else f"a pod asks for {asked} GPUs, its server for {tensor_parallel}"
