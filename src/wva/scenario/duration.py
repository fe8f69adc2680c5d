"""A duration as a field of a file."""

from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

from wva.fleet.duration import exact_duration, parse_duration

Duration = Annotated[float, BeforeValidator(parse_duration), PlainSerializer(exact_duration, return_type=str)]
"""A field in seconds that is written with a unit."""
