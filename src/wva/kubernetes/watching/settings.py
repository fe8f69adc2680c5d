"""How often, how long and how patiently the API server is asked. All times in seconds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """Settings of all watches."""

    page_size: int = 500
    """Objects of one page of a list: a few megabytes of JSON, which are let go of before the next is asked for."""
    watch_s: float = 30.0
    """For which one watch lasts. The API server ends it then and it goes on with another, so that a connection that is
    silently dead is noticed this long plus ``patience_s`` after it began, also where nothing happens."""
    patience_s: float = 10.0
    """For which its end is waited for beyond that."""
    least_pause_s: float = 0.1
    """Between a watch that ended well and the next."""
    first_pause_s: float = 0.5
    """After a request that failed; twice as long each time that it fails again."""
    longest_pause_s: float = 15.0
    """Between attempts at most."""
    absent_s: float = 15.0
    """Between two looks for a kind that is not served, or may not be read."""
    grace_s: float = 30.0
    """For which a kind that was there stays known though the API server says that it has none, or shows it to nobody:
    one that has just started does not know its own custom resources and roles yet."""

    def __post_init__(self) -> None:
        if self.page_size < 1 or not 0 < self.first_pause_s <= self.longest_pause_s:
            raise ValueError(f"pages must have objects and pauses must be positive and grow: {self}")
        if self.watch_s < 1:
            raise ValueError(f"the API server counts whole seconds, so watch_s must be at least 1, got {self.watch_s}")
