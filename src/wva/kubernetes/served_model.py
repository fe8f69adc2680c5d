"""The model that a server runs, as an entry of the catalogue and a precision of its weights."""

from collections.abc import Mapping
from dataclasses import dataclass

from wva.fleet.catalogue import model_shape
from wva.fleet.errors import UserError
from wva.fleet.shape import ModelShape
from wva.kubernetes.arguments.server import ServerArguments

_PRECISIONS: Mapping[str, str] = {
    "fp8": "fp8",
    "modelopt": "fp8",
    "fbgemm_fp8": "fp8",
    "ptpc_fp8": "fp8",
    "modelopt_fp4": "fp4",
    "nvfp4": "fp4",
    "mxfp4": "fp4",
    "bf16": "bf16",
    "fp4": "fp4",
}
"""Precision that the engine model has figures for, by vLLM's name of the quantization."""
_IN_NAMES = (("nvfp4", "fp4"), ("mxfp4", "fp4"), ("fp4", "fp4"), ("fp8", "fp8"), ("gpt-oss", "fp4"))
_NO_FIGURES = ("awq", "gptq", "int4", "int8", "w4a16", "w8a8", "bnb", "gguf")


@dataclass(frozen=True, slots=True)
class ServedModel:
    """What is known of a model."""

    shape: str
    """Name in the catalogue."""
    precision: str


def served_model(model_id: str, server: ServerArguments, shapes: Mapping[str, ModelShape]) -> ServedModel | str:
    """The catalogue's entry, or why it is unknown, in one line.

    What the server loads tells more than the name that clients ask for, which may be any, but where it is a directory
    both are tried. A checkpoint's name tells its precision (``Qwen3-32B-FP8``); what the server is told goes before.
    """
    loaded = server.model or model_id
    precision = _precision(loaded, server.quantization)
    if precision is None:
        return f"there are no figures for the precision of {server.quantization or loaded}"
    reason = ""
    names = (loaded.rstrip("/").rsplit("/", 1)[-1], model_id) if _is_path(loaded) else (loaded,)
    for name in dict.fromkeys(spelling for each in names for spelling in (each, _without_precision(each))):
        try:
            return ServedModel(model_shape(name, shapes).name, precision)
        except UserError as error:
            reason = reason or str(error)
    return f"{reason}; add it with wva model add"


def _precision(name: str, quantization: str | None) -> str | None:
    if quantization is not None:
        return _PRECISIONS.get(quantization.casefold())
    text = name.casefold()
    if any(mark in text for mark in _NO_FIGURES):
        return None
    return next((precision for mark, precision in _IN_NAMES if mark in text), "bf16")


def _without_precision(name: str) -> str:
    base, _, last = name.rpartition("-")
    return base if base and any(last.casefold() == mark for mark, _ in _IN_NAMES) else name


def _is_path(name: str) -> bool:
    return name.startswith(("/", "./", "~")) or "://" in name
