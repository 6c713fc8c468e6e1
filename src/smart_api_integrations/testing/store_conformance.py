"""The proof of a storage engine: one class, one hook, every promise of ``storage.protocols``. Floor 10.

An engine's whole test::

    class TestMyStore(StoreConformance):
        def make_store(self, tmp_path: Path) -> Journal:
            return open_journal(f"mine:///{tmp_path}/journal", **self.options())

What an engine cannot do is declared by it (``wakes_other_processes``, ``interrupt``), never guessed
from its class.
"""

from __future__ import annotations

from smart_api_integrations.testing.journal_cases.access import AuditCases, KeyCases
from smart_api_integrations.testing.journal_cases.batches import BatchCases
from smart_api_integrations.testing.journal_cases.brokering import BrokerCases
from smart_api_integrations.testing.journal_cases.captured_keys import CapturedKeyCases
from smart_api_integrations.testing.journal_cases.events import (
    AcceptCases,
    DedupeCases,
    EventListCases,
)
from smart_api_integrations.testing.journal_cases.gates import (
    FairnessCases,
    PauseCases,
    RateCases,
    TenantCases,
)
from smart_api_integrations.testing.journal_cases.health import HealthCases
from smart_api_integrations.testing.journal_cases.issues import IssueCases
from smart_api_integrations.testing.journal_cases.leases import ClaimCases
from smart_api_integrations.testing.journal_cases.lines import OrderCases
from smart_api_integrations.testing.journal_cases.marks import MarkCases
from smart_api_integrations.testing.journal_cases.opening import FailingCases, OpeningCases, WakingCases
from smart_api_integrations.testing.journal_cases.outbox import OutboxCases
from smart_api_integrations.testing.journal_cases.rejections import RejectionCases
from smart_api_integrations.testing.journal_cases.replay_pages import ReplayPageCases
from smart_api_integrations.testing.journal_cases.replays import ReplayJobCases, ReplayLeaseCases
from smart_api_integrations.testing.journal_cases.rerouting import RerouteCases
from smart_api_integrations.testing.journal_cases.resuming import ResumeCases
from smart_api_integrations.testing.journal_cases.sending import EndpointCases, MessageCases
from smart_api_integrations.testing.journal_cases.sets import SetCases
from smart_api_integrations.testing.journal_cases.tallies import TallyCases
from smart_api_integrations.testing.journal_cases.timing import TimingCases
from smart_api_integrations.testing.journal_cases.upkeep import PurgeCases, SealCases
from smart_api_integrations.testing.journal_cases.watching import WatchCases
from smart_api_integrations.testing.journal_cases.work import (
    LostCases,
    RecordCases,
    WorkListCases,
)

__all__ = ["StoreConformance"]


class StoreConformance(
    AcceptCases,
    BatchCases,
    BrokerCases,
    DedupeCases,
    EventListCases,
    RejectionCases,
    MarkCases,
    TallyCases,
    ResumeCases,
    RerouteCases,
    MessageCases,
    OutboxCases,
    SetCases,
    EndpointCases,
    ClaimCases,
    OrderCases,
    FairnessCases,
    TenantCases,
    PauseCases,
    RateCases,
    HealthCases,
    TimingCases,
    KeyCases,
    AuditCases,
    RecordCases,
    LostCases,
    WorkListCases,
    WatchCases,
    IssueCases,
    CapturedKeyCases,
    ReplayPageCases,
    ReplayJobCases,
    ReplayLeaseCases,
    PurgeCases,
    SealCases,
    OpeningCases,
    WakingCases,
    FailingCases,
):
    """Every promise of ``storage.protocols``, to be inherited by an engine's test class."""
