"""A shell script cut into commands, with its quotes kept apart: ``shlex`` forgets them, and with them what expands.

It reads what container scripts consist of: words in quotes, line continuations, variables with defaults, assignments,
lists, comments and redirections. What a script computes while it runs, as ``$(nproc)``, is left unknown.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_NAME = re.compile(r"[A-Za-z_]\w*|[0-9@*#?$!-]")
_BRACED = re.compile(r"\{([A-Za-z_]\w*|[0-9@*])(?:(:?[-=])([^}]*)|([^}]+))?\}")
_OPERATORS = "&|;()<>\n"


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a word."""

    text: str | None
    """What it says; of a variable, what holds where it is not set, ``None`` without such a default."""
    quoted: bool
    """Whether blanks in its value do not split the word."""
    variable: str | None = None
    """Name of the variable, where it is one."""
    keeps_empty: bool = False
    """Whether a variable that is set but empty keeps that (``${A-b}``), rather than the default (``${A:-b}``)."""
    known: bool = True
    """False for what only a running shell knows."""


Word = tuple[Part, ...]
Command = tuple[Word, ...]


def commands(script: str) -> Iterator[Command]:
    """The simple commands in the order they stand in, without redirections."""
    words: list[Word] = []
    redirected = False
    for token in _tokens(script):
        if not isinstance(token, str):
            if not redirected:
                words.append(token)
            redirected = False
        elif token in "<>":
            # The number of a file in front of it, as in 2>, is no argument.
            if words and len(words[-1]) == 1 and words[-1][0].text in ("1", "2"):
                words.pop()
            redirected = True
        elif not (redirected and token == "&"):
            if words:
                yield tuple(words)
            words, redirected = [], False
    if words:
        yield tuple(words)


def _tokens(script: str) -> Iterator[Word | str]:
    """Words, and operators of one character each."""
    place, parts, inside = 0, list[Part](), False
    while place < len(script):
        char = script[place]
        if script.startswith("\\\n", place):
            place += 2
        elif char in " \t\r" or char in _OPERATORS:
            if inside:
                yield tuple(parts)
                parts, inside = [], False
            if char in _OPERATORS:
                yield char
            place += 1
        elif char == "#" and not inside:
            place = _until("\n", script, place)
        else:
            place = _piece(script, place, parts)
            inside = True
    if inside:
        yield tuple(parts)


def _piece(script: str, place: int, parts: list[Part]) -> int:
    """Add what begins here to the word, and give the place behind it."""
    char = script[place]
    if char == "'":
        end = _until("'", script, place + 1)
        parts.append(Part(script[place + 1 : end], quoted=True))
        return end + 1
    if char == '"':
        return _double_quoted(script, place + 1, parts)
    if char == "\\":
        parts.append(Part(script[place + 1 : place + 2], quoted=True))
        return place + 2
    if char in "$`":
        return _expansion(script, place, parts, quoted=False)
    parts.append(Part(char, quoted=False))
    return place + 1


def _double_quoted(script: str, place: int, parts: list[Part]) -> int:
    parts.append(Part("", quoted=True))
    while place < len(script) and script[place] != '"':
        char = script[place]
        if char == "\\" and script[place + 1 : place + 2] in tuple('"\\$`\n'):
            escaped = script[place + 1]
            parts.append(Part("" if escaped == "\n" else escaped, quoted=True))
            place += 2
        elif char in "$`":
            place = _expansion(script, place, parts, quoted=True)
        else:
            parts.append(Part(char, quoted=True))
            place += 1
    return place + 1


def _expansion(script: str, place: int, parts: list[Part], *, quoted: bool) -> int:
    if script[place] == "`":
        parts.append(Part(None, quoted, known=False))
        return _until("`", script, place + 1) + 1
    if script.startswith("$(", place):
        parts.append(Part(None, quoted, known=False))
        return _closing(script, place + 1)
    if braced := _BRACED.match(script, place + 1):
        name, operator, default, other = braced.groups()
        if other is not None:
            parts.append(Part(None, quoted, known=False))
        else:
            text = None if default is None else default.strip("\"'")
            parts.append(Part(text, quoted, name, keeps_empty=operator in ("-", "=")))
        return braced.end()
    if named := _NAME.match(script, place + 1):
        parts.append(Part(None, quoted, named.group()))
        return named.end()
    parts.append(Part("$", quoted))
    return place + 1


def _until(mark: str, script: str, place: int) -> int:
    found = script.find(mark, place)
    return len(script) if found < 0 else found


def _closing(script: str, place: int) -> int:
    """The place behind the bracket that closes the one here."""
    depth = 0
    for position in range(place, len(script)):
        depth += {"(": 1, ")": -1}.get(script[position], 0)
        if depth == 0:
            return position + 1
    return len(script)
