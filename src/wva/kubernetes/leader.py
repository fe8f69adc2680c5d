"""What the leader does: everything that is decided and written, from the moment that it leads until it does no more."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from wva.control.journal import LiveJournal
from wva.control.loop import Loop
from wva.control.seams import Metrics
from wva.control.settings import LoopSettings
from wva.fleet.clock import Clock
from wva.fleet.observation import Trigger
from wva.fleet.tick import Tick
from wva.kubernetes.acting.advance import DrainSettings
from wva.kubernetes.acting.carry_out import ActingSettings
from wva.kubernetes.acting.caps import Caps
from wva.kubernetes.acting.drain import drain_condition
from wva.kubernetes.acting.keeper import DrainKeeper
from wva.kubernetes.acting.load import Load, loads
from wva.kubernetes.acting.writer import Writer
from wva.kubernetes.api.client import Api
from wva.kubernetes.body import KubernetesFleet
from wva.kubernetes.discovery import Defaults
from wva.kubernetes.follower import outlook, watched
from wva.kubernetes.measuring.alarm import Alarm
from wva.kubernetes.measuring.front import Credentials, Front
from wva.kubernetes.measuring.metrics import ClusterMetrics
from wva.kubernetes.measuring.pickers import pickers_of
from wva.kubernetes.names import ClusterNames
from wva.kubernetes.picture import Managed, Setting
from wva.kubernetes.reporting.ledger import Ledger
from wva.kubernetes.reporting.poster import EventPoster
from wva.kubernetes.reporting.report import Acting
from wva.kubernetes.reporting.reporter import Reporter
from wva.kubernetes.reporting.turn import turn_of
from wva.kubernetes.reporting.writer import StatusWriter
from wva.kubernetes.settings import Settings
from wva.kubernetes.settings_values import MetricsSource
from wva.kubernetes.wake import Waker
from wva.kubernetes.watching.kinds import Kind
from wva.kubernetes.watching.watch import Watch
from wva.policies.registry import make
from wva.prometheus.gauges import LoopCollector
from wva.prometheus.scraper import Scraper
from wva.prometheus.server import PrometheusServer
from wva.record.problems import Problems
