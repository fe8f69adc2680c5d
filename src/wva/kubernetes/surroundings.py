"""What a leader works with, and what that means to its parts."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from prometheus_client import CollectorRegistry

from wva.control.journal import LiveJournal
from wva.control.worker import Workers
from wva.decide.brain import WvaPolicy
from wva.decide.settings import Settings as Decisions
from wva.fleet.clock import Clock
from wva.fleet.errors import UserError
from wva.fleet.memory import Memory
from wva.fleet.policy import Policy
from wva.kubernetes.acting.advance import DrainSettings
from wva.kubernetes.acting.caps import Caps
from wva.kubernetes.acting.carry_out import ActingSettings
from wva.kubernetes.api.client import Api
from wva.kubernetes.discovery import Defaults
from wva.kubernetes.measuring.front import Credentials
from wva.kubernetes.reporting.memory import Kept
from wva.kubernetes.settings import Settings
from wva.kubernetes.view import Setting
from wva.kubernetes.watching.watch import Watch
from wva.prometheus.inherited import NOTHING, Inherited
from wva.record.problems import Problems

M = TypeVar("M", bound=Memory)

TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
"""Where a pod has its service account's token."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a leader works with, and did not make."""

    settings: Settings
    api: Api
    version: tuple[int, int]
    """The API server's."""
    watch: Watch
    leads: Callable[[], bool]
    """Whether it may act at this moment."""
    led_before: Callable[[], float | None]
    """When the last leader was alive last, in seconds since the epoch; ``None`` where none is known."""
    identity: str
    workers: Workers
    """Threads, the same ones whenever it leads: they do not end."""
    clock: Clock
    registry: CollectorRegistry
    problems: Problems
    policy: WvaPolicy


def inherited_of(around: Surroundings, left: Kept) -> Inherited:
    """What the last leader published, for as long as its last plan can have been valid."""
    alive = around.led_before()
    return (
        NOTHING if alive is None else Inherited(left.remembered.published, alive + around.policy.settings.plan_valid_s)
    )


def journal_of(directory: Path | None, policy: Policy[M], problems: Problems) -> LiveJournal[M] | None:
    """Where decisions are recorded; to decide without is better than not to decide."""
    if directory is None:
        return None
    try:
        return LiveJournal(directory, policy)
    except UserError as error:
        problems.report("journal", str(error))
        return None


def policy_of(settings: Settings) -> WvaPolicy:
    """How long pods are waited for is the fleet's own affair here."""
    return WvaPolicy(settings=Decisions(stuck_s=settings.patience.unlearned_s))


def setting_of(around: Surroundings) -> Setting:
    """What its fleet is set to."""
    settings = around.settings
    usual = Defaults()
    defaults = Defaults(objectives=settings.objectives or usual.objectives, to_zero=settings.wva_scale_to_zero)
    return Setting(
        settings.scope,
        defaults,
        pools=settings.pools,
        patience=settings.patience,
        act=settings.wva_act,
        version=around.version,
    )


def acting_settings(around: Surroundings) -> ActingSettings:
    """How its plans are carried out."""
    settings = around.settings
    caps = Caps(settings.wva_max_replicas_per_minute, settings.wva_max_gpus_per_minute)
    return ActingSettings(DrainSettings(version=around.version), caps)


def credentials_of(settings: Settings) -> Credentials:
    """What endpoint pickers are shown: the token that is set, or the controller's own."""
    token = settings.epp_metric_reader_bearer_token
    return Credentials(token, TOKEN if token is None and TOKEN.exists() else None)
