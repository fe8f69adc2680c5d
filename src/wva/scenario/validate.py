"""From a file's text to a valid object: what is wrong is one line that names the file and the key."""

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from wva.fleet.errors import UserError

Problem = tuple[str, str]
"""Where it is, as ``variants[1].model``, and what is wrong and to do."""

S = TypeVar("S", bound=BaseModel)


def read_text(path: Path, what: str) -> str:
    """The text of a file that is a ``what`` (``scenario``).

    Raises:
        UserError: The file is missing or is no text.

    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"{what} {path}: no such file; correct the path") from None
    except OSError as error:
        raise UserError(f"{what} {path}: cannot be read ({error.strerror}); give a readable file") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{what} {path}: byte {error.start} is not UTF-8; save the file as UTF-8") from None


def validate(schema: type[S], data: dict[str, Any], name: str, directory: Path) -> S:
    """The object that plain data describe; ``name`` is how messages call it, paths are relative to ``directory``.

    Raises:
        UserError: A key is missing, unknown or has an impossible value.

    """
    try:
        return schema.model_validate(data, context={"directory": directory})
    except ValidationError as error:
        fail(name, [(_where(found["loc"]), _what(found)) for found in _causes(error.errors())])
        raise


def fail(name: str, found: list[Problem]) -> None:
    """Raise the first problem of what is called ``name``, if there is any, and say how many more there are.

    Raises:
        UserError: There is a problem.

    """
    if found:
        where, what = found[0]
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise UserError(" ".join(f"{name}: {where}: {what}{more}".split()))


def _causes(found: list[ErrorDetails]) -> list[ErrorDetails]:
    # A list of which an entry is wrong counts as too short as well.
    places = {error["loc"][:depth] for error in found for depth in range(len(error["loc"]))}
    return [error for error in found if error["type"] != "too_short" or error["loc"] not in places]


def _where(location: tuple[int | str, ...]) -> str:
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in location if part != "[key]"]
    return "".join(parts).removeprefix(".") or "file"


def _what(found: ErrorDetails) -> str:
    match found["type"]:
        case "missing":
            return "is missing; add it"
        case "extra_forbidden":
            return "unknown key; remove it or correct its spelling"
        case "too_short":
            return f"must have {found['ctx']['min_length']} or more entries"
        case "tuple_type":
            return "must be a list"
        case "value_error":
            return found["msg"].removeprefix("Value error, ")
    value = found["input"]
    shown = f", not {value!r}" if value is None or isinstance(value, str | int | float) else ""
    return found["msg"].replace("Input should be", "must be").replace("Input should", "must") + shown
