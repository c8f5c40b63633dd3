"""Failures that a user can do something about: shown as one line, without a traceback."""

from data_io.batch_files import BatchFilesError
from data_io.certificate_files import CertificateError
from data_io.commit import LateTickError
from data_io.completeness import IncompleteSnapshotError
from data_io.imports.folder import FolderError
from data_io.imports.imported import UnreadableLogError
from data_io.lease import LeaseTakenError
from data_io.migrations import NewerDatabaseError
from data_io.price_desk import PriceDeskError
from data_io.publish import PublicationError
from jobs.config import ConfigError
from jobs.readers import NotFoundError
from jobs.tick import AuditError, SourceError
from solver.backend import BackendError


class FailedTicksError(Exception):
    """Ticks of a simulated stretch failed."""

    def __init__(self, num_failed: int, num_done: int) -> None:
        """Count them."""
        super().__init__(
            f"{num_failed} ticks failed beside {num_done} that did not, expected none; the log"
            " above says why"
        )


EXPECTED = (
    OSError,
    OverflowError,
    AuditError,
    BackendError,
    BatchFilesError,
    CertificateError,
    ConfigError,
    FailedTicksError,
    FolderError,
    IncompleteSnapshotError,
    LateTickError,
    LeaseTakenError,
    NewerDatabaseError,
    NotFoundError,
    PriceDeskError,
    PublicationError,
    SourceError,
    UnreadableLogError,
)
