"""The programs that a container starts, through shells as well: what each is given, with variables filled in."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from wva.kubernetes.arguments.environment import UNKNOWN, environment, expand, takes_in_more
from wva.kubernetes.arguments.script import Part, Word, commands

Words = tuple[str, ...]

_SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh"})
_WRAPPERS = frozenset(
    {"exec", "env", "nohup", "command", "time", "sudo", "tini", "dumb-init", "if", "then", "do", "else", "{", "!"}
)
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=", re.DOTALL)
_DEEPEST = 4


def programs(container: Mapping[str, Any]) -> tuple[tuple[Words, Mapping[str, str]], ...]:
    """Every program with its arguments, and the environment it is started in.

    A container without a command starts its image's own, so that its arguments come alone.
    """
    variables = environment(container)
    words = tuple(
        expand(str(word), variables) for word in (*(container.get("command") or ()), *(container.get("args") or ()))
    )
    return tuple(_started(words, variables, takes_in_more(container), 0))


def name_of(word: str) -> str:
    """A program's name without its directory."""
    return word.rsplit("/", 1)[-1]


def _started(
    words: Words, variables: Mapping[str, str], any_name: bool, depth: int
) -> Iterator[tuple[Words, Mapping[str, str]]]:
    words, variables = _unwrapped(words, variables)
    script = _script(words)
    if script is None or depth == _DEEPEST:
        if words:
            yield words, variables
        return
    text, arguments = script
    values = dict(variables)
    for command in commands(text):
        filled = [one for word in command for one in _filled(word, values, arguments, any_name)]
        if filled[:1] == ["export"]:
            filled = filled[1:]
        if all(_ASSIGNMENT.match(word) for word in filled):
            values.update(_pairs(filled))
        else:
            yield from _started(tuple(filled), values, any_name, depth + 1)


def _unwrapped(words: Words, variables: Mapping[str, str]) -> tuple[Words, Mapping[str, str]]:
    """Without the assignments and the programs in front that only start another one."""
    values = dict(variables)
    place = 0
    while place < len(words):
        if _ASSIGNMENT.match(words[place]):
            values.update(_pairs(words[place : place + 1]))
        elif name_of(words[place]) not in _WRAPPERS and not (place and words[place] == "--"):
            break
        place += 1
    return words[place:], values


def _script(words: Words) -> tuple[str, Words] | None:
    """The text that a shell is given with ``-c``, and what follows it: its own name and ``$1`` on."""
    if not words or name_of(words[0]) not in _SHELLS:
        return None
    for place, word in enumerate(words[1:], 1):
        if re.fullmatch(r"-[a-z]*c[a-z]*", word) and place + 1 < len(words):
            return words[place + 1], words[place + 2 :]
        if not word.startswith(("-", "+")) and words[place - 1] != "-o":
            break
    return None


def _pairs(assignments: Sequence[str]) -> list[tuple[str, str]]:
    return [(name, value) for name, _, value in (text.partition("=") for text in assignments)]


def _filled(word: Word, values: Mapping[str, str], arguments: Words, any_name: bool) -> list[str]:
    """The words that one becomes: unquoted variables are split at blanks, and vanish when they are empty."""
    done: list[str] = []
    current, begun = "", False
    for part in word:
        if part.variable in ("@", "*"):
            pieces = list(arguments[1:])
        else:
            text = _value(part, values, arguments, any_name)
            pieces = [text] if part.quoted or part.variable is None else text.split()
        begun = begun or (part.quoted and part.variable != "@")
        if not pieces:
            continue
        if len(pieces) > 1:
            done += [current + pieces[0], *pieces[1:-1]]
            current = ""
        current += pieces[-1]
        begun = True
    return [*done, current] if begun else done


def _value(part: Part, values: Mapping[str, str], arguments: Words, any_name: bool) -> str:
    if not part.known:
        return UNKNOWN
    if part.variable is None:
        return part.text or ""
    if part.variable.isdigit():
        place = int(part.variable)
        return arguments[place] if place < len(arguments) else part.text or ""
    value = values.get(part.variable)
    if value is None:
        # The image may set a name that the template does not, so only a default tells what it is.
        return UNKNOWN if any_name or part.text is None else part.text
    return value if value or part.keeps_empty else part.text or ""
