"""Make a video of each row of a file; the extra `batch` brings what this needs. docs/batch.md tells more.

    from openvideos import batch

    result = batch.run("jobs.csv", "videos/")

May import `_batch`.
"""

from __future__ import annotations

from .._batch.rows import BatchError
from .._batch.running import Estimate, Progress, Result, Settings, run

__all__ = ["BatchError", "Estimate", "Progress", "Result", "Settings", "run"]
