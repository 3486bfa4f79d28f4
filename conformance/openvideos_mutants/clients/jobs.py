"""Wrong clients: how they start jobs, send requests again, and poll."""

from __future__ import annotations

import http.client
import os
import time
from collections.abc import Mapping

from .registry import defect
from .right import Client, FailedError, Json, LostError, RefusedError

GIVEN_UP = {"CLI-RUN-001": "nothing goes wrong, and the work fails"}


@defect("CLI-CREATE-001", "ambiguous-create", "stalled-create", "ambiguous-remix")
class PostsAgainAfterAReset(Client):
    """Send a POST again when there was no response."""

    posted_again = frozenset({None})


@defect("CLI-CREATE-001", "failing-create", "failing-remix")
class PostsAgainAfter500(Client):
    """Send a POST again after a 500."""

    posted_again = frozenset({500})


@defect("CLI-CREATE-001", "create-502")
class PostsAgainAfter502(Client):
    """Send a POST again after a 502."""

    posted_again = frozenset({502})


@defect("CLI-CREATE-001", "create-503")
class PostsAgainAfter503(Client):
    """Send a POST again after a 503 without Retry-After."""

    posted_again = frozenset({503})


@defect("CLI-CREATE-001", "create-504")
class PostsAgainAfter504(Client):
    """Send a POST again after a 504."""

    posted_again = frozenset({504})


@defect("CLI-CREATE-001", "stalled-create")
class PostsAgainAfterATimeout(Client):
    """Send a POST again when its response did not come in time."""

    timeout = 2.0

    def may_repeat(self, method: str, path: str, problem: Exception) -> bool:
        is_late = isinstance(problem, LostError) and isinstance(problem.__cause__, TimeoutError)
        return is_late or super().may_repeat(method, path, problem)


@defect("CLI-CREATE-001", "failing-create", "ambiguous-create")
class KeysDiffer(Client):
    """Send a POST again under another Idempotency-Key."""

    posted_again = frozenset({500, None})

    def of_start(self) -> dict[str, str]:
        return {"idempotency_key": os.urandom(8).hex()}

    def headers_of_repeat(self, headers: dict[str, str]) -> dict[str, str]:
        return {**headers, **self.of_start()} if "idempotency_key" in headers else headers


@defect("CLI-CREATE-001", "failing-remix")
class RemixesAgainAfter500(Client):
    """Send a remix again after a 500; a create is sent once."""

    def may_repeat(self, method: str, path: str, problem: Exception) -> bool:
        is_remix = path.endswith("/remix") and isinstance(problem, RefusedError)
        return is_remix or super().may_repeat(method, path, problem)


@defect("CLI-CREATE-002", "plain")
class CreatesTwice(Client):
    """Start each job twice."""

    def create(self) -> Json:
        super().create()
        return super().create()


@defect("CLI-CREATE-002", "plain")
class CreatesTwiceUnderTwoKeys(CreatesTwice):
    """Start each job twice, under an Idempotency-Key each."""

    def of_start(self) -> dict[str, str]:
        return {"idempotency_key": os.urandom(8).hex()}


@defect("CLI-CREATE-002", "missing-keys")
class CreatesAgainIfTheResponseIsBare(Client):
    """Start a job again if the response lacks its model's usual fields."""

    def create(self) -> Json:
        video = super().create()
        return video if "progress" in video else super().create()


@defect("CLI-CREATE-002", "lasting-truncation", "missing-content")
class CreatesAgainIfTheDownloadBreaks(Client):
    """Make the video again if its download breaks off."""

    def download(self, video: Json) -> None:
        try:
            super().download(video)
        except FailedError:
            super().download(self.poll(self.create()))


@defect("CLI-CREATE-002", "plain")
class RemixesTwice(Client):
    """Start each remix twice."""

    def remix(self, video: Json) -> Json:
        super().remix(video)
        return super().remix(video)


# ---------------------------------------------------------------- Retry-After
@defect("CLI-RETRY-001", "retry-after", "retry-after-date", "busy-reads", "busy-writes")
class RetryAfterIsIgnored(Client):
    """Send a refused request again at once."""

    attempts = 40

    def wait_before_repeat(self, problem: Exception) -> float:
        del problem
        return 0.2


@defect("CLI-RETRY-001", "retry-after")
class RetryAfterIsCapped(Client):
    """Wait for two seconds at the most."""

    attempts = 8

    def retry_after(self, problem: RefusedError) -> float | None:
        after = super().retry_after(problem)
        return None if after is None else min(after, 2.0)


@defect("CLI-RETRY-001", "retry-after-date")
class DatesAreNotRead(Client):
    """Take a Retry-After that is a date for none at all, and send a poll again at once."""

    def retry_after(self, problem: RefusedError) -> float | None:
        after = super().retry_after(problem)
        is_date = not problem.headers.get("Retry-After", problem.headers.get("retry-after", "")).isdecimal()
        return 0.1 if after is not None and is_date else after


@defect("CLI-RETRY-001", "busy-reads")
class RetryAfterOf503IsNotRead(Client):
    """Read Retry-After of a 429 alone."""

    def wait_before_repeat(self, problem: Exception) -> float:
        is_limit = isinstance(problem, RefusedError) and problem.status == 429
        return super().wait_before_repeat(problem) if is_limit else 0.1


@defect("CLI-RETRY-001", "busy-reads")
class ListsDoNotWait(Client):
    """Ask for a page again at once."""

    def page(self, after: str | None) -> Json:
        try:
            query = f"/videos?limit={self.limit}" + ("" if after is None else f"&after={after}")
            response = self.send("GET", query)
            return dict(self.parsed(response.read()))
        except RefusedError:
            return super().page(after)


@defect("CLI-RETRY-001", "busy-writes")
class DeletionsDoNotWait(Client):
    """Send a deletion again at once."""

    def may_repeat(self, method: str, path: str, problem: Exception) -> bool:
        self.is_deletion = method == "DELETE"
        return super().may_repeat(method, path, problem)

    def wait_before_repeat(self, problem: Exception) -> float:
        return 0.1 if self.is_deletion else super().wait_before_repeat(problem)


# ---------------------------------------------------------------- polls
@defect("CLI-POLL-001", "slow", "slower")
class HintsAreIgnored(Client):
    """Poll each second, whatever the server asks for."""

    def pause_of(self, headers: Mapping[str, str]) -> float:
        del headers
        return 0.9


@defect("CLI-POLL-001", "slower")
class HintsAreCapped(Client):
    """Wait for five seconds at the most."""

    def pause_of(self, headers: Mapping[str, str]) -> float:
        return min(5.0, super().pause_of(headers))


@defect("CLI-POLL-001", "slow", "slower")
class HintsAreReadAsHundredths(Client):
    """Take a hint of milliseconds for a tenth of it."""

    def pause_of(self, headers: Mapping[str, str]) -> float:
        return super().pause_of(headers) / 10


@defect(
    "CLI-POLL-002",
    "unknown-status",
    along={"CLI-CONTENT-001": "it reports success without a file"},
)
class UnknownMeansEnded(Client):
    """Take a status that it does not know for the end of a job."""

    def has_ended(self, video: Json, polls: int) -> bool:
        del polls
        return video.get("status") not in {"queued", "in_progress", "processing"}


@defect("CLI-POLL-002", "unknown-status")
class UnknownIsAnError(Client):
    """Fail on a status that it does not know."""

    def has_ended(self, video: Json, polls: int) -> bool:
        if video.get("status") not in {"queued", "in_progress", "processing", "completed", "failed"}:
            raise FailedError("the status is unknown")
        return super().has_ended(video, polls)


@defect("CLI-POLL-003", "plain")
class PollsOnAfterTheEnd(Client):
    """Poll four times more after the end, to be sure."""

    def after_end(self, video: Json) -> None:
        for _ in range(4):
            self.read(video["id"])


@defect("CLI-RUN-002", "failed-job", along={"CLI-POLL-003": "a failed job is polled for ever"})
class FailedJobsArePolledForEver(Client):
    """Know no other end than `completed`."""

    def has_ended(self, video: Json, polls: int) -> bool:
        del polls
        return video.get("status") == "completed"


@defect("CLI-POLL-004", "server-error", "busy-poll", along={"CLI-CREATE-002": "the first job was accepted"})
class AFailedPollStartsAgain(Client):
    """Start the job again if a poll fails."""

    read_again = frozenset({502, 503, 504, None})

    def poll(self, video: Json) -> Json:
        try:
            return super().poll(video)
        except RefusedError:
            return super().poll(self.create())


@defect("CLI-POLL-004", "server-error")
class AFailedPollIsSuccess(Client):
    """Report success if a poll fails."""

    read_again = frozenset({429, 502, 503, 504, None})

    def main(self) -> int:
        try:
            self.work()
        except (FailedError, OSError, http.client.HTTPException):
            return 0
        return 0


@defect("CLI-POLL-005", "failed-job")
class FailureIsSuccess(Client):
    """Report success if the job has failed."""

    def on_failure(self, video: Json) -> None:
        del video
        raise SystemExit(0)


@defect("CLI-POLL-006", "long-job", along=GIVEN_UP)
class GivesUpAfterTenPolls(Client):
    """Take a job for done after ten polls."""

    def has_ended(self, video: Json, polls: int) -> bool:
        return polls >= 10 or super().has_ended(video, polls)


@defect("CLI-POLL-006", "plain", along=GIVEN_UP)
class DoesNotPoll(Client):
    """Download right after the create, without a poll."""

    def poll(self, video: Json) -> Json:
        return video


@defect("CLI-RUN-003", "retry-after", "ambiguous-create", along={"CLI-RETRY-001": "it gave up and did not say so"})
class ARefusedCreateIsSuccess(Client):
    """Report success if the create is refused."""

    def work(self) -> None:
        try:
            video = self.send_create()
        except FailedError:
            return
        self.poll(video)

    def send_create(self) -> Json:
        """Start the job, in one attempt."""
        media_type, body = self.form(self.wanted)
        response = self.send("POST", "/videos", body=body, content_type=media_type)
        return dict(self.parsed(response.read()))


@defect("CLI-RUN-001", "missing-keys")
class NeedsAFieldThatMayBeMissing(Client):
    """Fail on a video without its progress."""

    def has_ended(self, video: Json, polls: int) -> bool:
        if "progress" not in video:
            raise FailedError("there is no progress")
        return super().has_ended(video, polls)


@defect("CLI-RUN-001", "plain")
class DoesNothing(Client):
    """Look at the list, and report success."""

    def work(self) -> None:
        self.save("list.json", self.videos())


@defect("CLI-RUN-002", "plain")
class NeverEnds(Client):
    """Wait for something else when the work is done."""

    def main(self) -> int:
        super().main()
        time.sleep(3600)
        return 0
