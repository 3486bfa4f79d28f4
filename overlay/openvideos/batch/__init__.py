"""Make a video of each row of a file; the extra `batch` brings what this needs. docs/batch.md tells more.

    from openvideos import batch

    result = batch.run("jobs.csv", "videos/")

May import `_batch` and `surface`.
"""

from __future__ import annotations

from .. import BatchError
from .._batch.opening import Estimate, Settings
from .._batch.running import Progress, Result, run

__all__ = ["BatchError", "Estimate", "Progress", "Result", "Settings", "run"]
