"""Say which servers are imitated: in which version, by which departures, and how each departure is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from . import access, content, creating, deleting, errors, lists, videos
from .departure import imitating

if TYPE_CHECKING:
    from .departure import Departure
    from .wrapping import App

Known = Literal["recorded", "seen in a run", "read in its source", "documented", "taken from its like"]
"""How a departure is known. What a server's like does, whose HTTP layer is the same, is taken to be its own too."""


@dataclass(frozen=True, slots=True)
class Source:
    """How a departure of a server is known: by what, and where it is seen."""

    known: Known
    where: str


@dataclass(frozen=True, slots=True)
class Imitation:
    """A server that is imitated, as it was in a version. Its departures lie over one another, the first outermost."""

    server: str
    version: str
    departures: tuple[tuple[Departure, Source], ...]

    def wrap(self, app: App, *, max_body_bytes: int | None = None) -> App:
        """Lay the departures over an app."""
        return imitating(app, [each for each, _ in self.departures], max_body_bytes=max_body_bytes)


def _recorded(where: str) -> Source:
    return Source("recorded", where)


def _seen(where: str) -> Source:
    return Source("seen in a run", where)


def _read(where: str) -> Source:
    return Source("read in its source", where)


def _documented(where: str) -> Source:
    return Source("documented", where)


def _like(server: str) -> Source:
    return Source("taken from its like", server)


def _headers(source: Source) -> tuple[tuple[Departure, Source], ...]:
    return ((errors.responses_lack_request_ids, source), (errors.responses_lack_the_poll_interval, source))


_NO_OTHERS: Final = errors.operations_are_missing(
    remix_video=404, edit_video=405, extend_video=405, create_character=405, retrieve_character=404
)
_OTHERS_404: Final = dict.fromkeys(
    ("remix_video", "edit_video", "extend_video", "create_character", "retrieve_character"), 404
)
_JOBS_ALONE: Final = errors.operations_are_missing(**_OTHERS_404)
_NO_LIST: Final = errors.operations_are_missing(**_OTHERS_404, list_videos=404, delete_video=404)
_EXTENSIONS: Final = ("seed", "negative_prompt", "fps", "num_frames")
_CREATES: Final = "the answers to create"
_FAILED: Final = "the answers for a failed job"
_HEADERS: Final = "the headers of all answers"
_OTHERS: Final = "the answers to remix, edits, extensions and characters"
_BILLED: Final = "users' reports of repeats that are billed twice"

IMITATIONS: Final = {
    "vllm-omni": Imitation(
        "vLLM-Omni",
        "0.30.0",
        (
            *_headers(_recorded(_HEADERS)),
            (errors.errors_have_integer_codes, _recorded("the answers of 400 and above")),
            (errors.unknown_paths_are_the_frameworks, _recorded(_OTHERS)),
            (errors.head_is_refused, _recorded("HEAD of the content")),
            (_NO_OTHERS, _recorded(_OTHERS)),
            (errors.discovery_is_missing, _recorded("an unknown id")),
            (videos.a_failed_job_is_a_500, _recorded("retrieve of a failed job")),
            (videos.failures_have_integer_codes, _recorded(_FAILED)),
            (videos.keys_are_added(quality="default", media_type="video/mp4", stage_durations={}), _recorded(_CREATES)),
            (videos.keys_are_missing("seed", "negative_prompt"), _recorded(_CREATES)),
            (videos.unchosen_sizes_are(None), _recorded("a create without a size")),
            (errors.content_comes_too_early_with(404), _recorded("the content of a job that runs")),
            (errors.content_of_a_failed_job_is(422), _recorded("the content of a failed job")),
            (content.variants_are_ignored, _recorded("five variants")),
            (lists.a_limit_of_zero_is_taken, _recorded("limit=0")),
            (lists.an_unknown_cursor_is_the_end, _recorded("after=nope")),
            (lists.ties_keep_their_order, _seen("lists of jobs of one second")),
            (creating.json_is_refused, _recorded("creates as JSON")),
            (creating.urlencoded_forms_are_taken, _recorded("a create that is urlencoded")),
            (creating.cut_forms_are_read, _seen("a form that is cut")),
            (creating.numbers_are_read_leniently, _seen("creates with size=0480x320 and seconds=' 1'")),
            (creating.long_prompts_are_taken, _seen("a prompt of more than 32,000 characters")),
            (creating.keys_of_repeats_are_ignored, _documented(_BILLED)),
        ),
    ),
    "sglang": Imitation(
        "SGLang",
        "0.5.23",
        (
            *_headers(_like("FastVideo")),
            (errors.errors_are_details, _seen("the answers of 400 and above")),
            (errors.invalid_requests_are_lists("limit"), _seen("errors that are lists")),
            (errors.unknown_paths_are_the_frameworks, _seen("unknown paths")),
            (errors.head_is_refused, _like("FastVideo")),
            (_NO_OTHERS, _like("FastVideo")),
            (errors.discovery_is_missing, _like("FastVideo")),
            (videos.videos_name_files, _seen("all videos")),
            (videos.keys_are_missing("prompt", *_EXTENSIONS), _seen("all videos")),
            (videos.keys_are_added(quality="standard", peak_memory_mb=None), _seen("all videos")),
            (videos.failures_lack_a_code, _seen(_FAILED)),
            (errors.content_comes_too_early_with(404), _like("FastVideo")),
            (content.variants_are_numbers, _seen("variant=video")),
            (deleting.deletions_answer_the_video, _seen("deletions")),
            (lists.an_unknown_cursor_is_the_end, _like("FastVideo")),
            (lists.ties_keep_their_order, _seen("lists of jobs of one second")),
            (creating.cut_forms_are_read, _seen("a form that is cut")),
            (creating.zero_seconds_are_the_default, _seen("a form with seconds=0")),
            (creating.numbers_are_read_leniently, _seen("creates with size=0480x320 and seconds=' 1'")),
            (creating.long_prompts_are_taken, _seen("a prompt of more than 32,000 characters")),
            (creating.keys_of_repeats_are_ignored, _documented(_BILLED)),
        ),
    ),
    "fastvideo": Imitation(
        "FastVideo",
        "0.2.1",
        (
            *_headers(_recorded(_HEADERS)),
            (errors.errors_are_details, _recorded("the answers of 400 and above")),
            (errors.invalid_requests_are_lists("limit", "seconds"), _recorded("seconds=banana, limit=0")),
            (errors.unknown_paths_are_the_frameworks, _recorded(_OTHERS)),
            (errors.head_is_refused, _recorded("HEAD of the content")),
            (_NO_OTHERS, _recorded(_OTHERS)),
            (errors.discovery_is_missing, _recorded("an unknown id")),
            (videos.videos_name_files, _recorded("all videos")),
            (
                videos.keys_are_missing("prompt", "remixed_from_video_id", "expires_at", *_EXTENSIONS),
                _recorded("all videos"),
            ),
            (videos.keys_are_added(quality="standard", url=None, peak_memory_mb=None), _recorded("all videos")),
            (videos.unchosen_sizes_are(""), _recorded("a create without a size")),
            (videos.failures_lack_a_code, _recorded(_FAILED)),
            (videos.in_progress_is_queued, _recorded("the answers to retrieve")),
            (content.files_are_sent_while_they_are_written, _seen("the content at each poll of one job")),
            (errors.content_comes_too_early_with(404), _recorded("the content of a job that runs")),
            (errors.content_of_a_failed_job_is(500), _recorded("the content of a failed job")),
            (content.variants_are_ignored, _recorded("five variants")),
            (lists.page_keys_are_missing("first_id", "last_id", "has_more"), _recorded("lists")),
            (lists.an_unknown_cursor_is_the_end, _recorded("after=nope")),
            (lists.any_order_is_taken, _recorded("order=sideways")),
            (deleting.deletions_answer_the_video, _recorded("deletions")),
            (creating.unread_bodies_are_missing_fields, _recorded("a body that is no JSON")),
            (creating.cut_forms_are_read, _seen("a form that is cut")),
            (creating.any_size_is_taken, _recorded("size=banana")),
            (creating.any_seconds_are_taken, _recorded("seconds=0, and an integer in JSON")),
            (creating.keys_of_repeats_are_ignored, _documented(_BILLED)),
        ),
    ),
    "litellm": Imitation(
        "LiteLLM",
        "1.108.7",
        (
            *_headers(_recorded(_HEADERS)),
            (errors.errors_have_statuses_as_codes, _recorded("the answers of 400 and above")),
            (errors.unknown_paths_are_the_frameworks, _recorded("a deletion")),
            (creating.bodies_that_are_no_objects_break_it, _seen("a body that is no object")),
            (errors.head_is_refused, _seen("HEAD of a video")),
            (errors.operations_are_missing(delete_video=405), _recorded("a deletion")),
            (errors.discovery_is_missing, _recorded("the paths of the API")),
            (access.refused_keys_lack_the_scheme, _seen("a request without a key")),
            (access.wrong_keys_are(400, "No connected db."), _recorded("a request with another key")),
            (lists.lists_are_refused(400, "LLM Provider NOT provided."), _recorded("lists")),
            (videos.keys_are_missing("prompt", *_EXTENSIONS), _recorded("all videos")),
            (videos.keys_are_added(usage=None), _recorded("all videos")),
            (videos.remixes_name_the_vendors_id, _recorded("a remix")),
            (errors.content_comes_too_early_with(404), _recorded("the content of a job that runs")),
            (content.variants_are_ignored, _recorded("three variants")),
            (content.ranges_are_ignored, _recorded("a download with Range")),
            (creating.creates_need_a_model, _recorded("a create without a model")),
            (creating.empty_fields_are_dropped, _seen("creates with an empty size or empty seconds")),
            (creating.numbers_are_prompts, _seen("a create whose prompt is a number")),
            (creating.any_media_type_is_json, _seen("a create of another media type")),
            (creating.cut_forms_are_read, _seen("a form that is cut")),
            (creating.keys_of_repeats_are_ignored, _documented(_BILLED)),
        ),
    ),
    "tensorrt-llm": Imitation(
        "TensorRT-LLM",
        "November 2026",
        (
            *_headers(_like("vLLM-Omni")),
            (errors.errors_are_flat, _read("its errors")),
            (errors.invalid_requests_are_lists(), _read("what it says to invalid fields")),
            (errors.unknown_paths_are_the_frameworks, _like("vLLM-Omni")),
            (errors.head_is_refused, _like("vLLM-Omni")),
            (_NO_OTHERS, _like("vLLM-Omni")),
            (errors.discovery_is_missing, _like("vLLM-Omni")),
            (videos.creates_are_202, _read("create")),
            (
                videos.statuses_have_other_words(in_progress="generating", late="postprocessing"),
                _read("the words of its statuses"),
            ),
            (videos.failures_are_texts, _read("the error of a job")),
            (videos.duration_replaces_seconds, _read("its videos")),
            (errors.content_comes_too_early_with(400), _read("the content of a job that runs")),
            (lists.paging_is_ignored, _read("lists")),
            (deleting.deletions_answer_a_flag, _read("deletions")),
            (creating.keys_of_repeats_are_ignored, _documented(_BILLED)),
        ),
    ),
    "unsloth-studio": Imitation(
        "Unsloth Studio",
        "November 2026",
        (
            *_headers(_like("vLLM-Omni")),
            (errors.unknown_paths_are_the_frameworks, _like("vLLM-Omni")),
            (_JOBS_ALONE, _like("vLLM-Omni")),
            (errors.discovery_is_missing, _like("vLLM-Omni")),
            (errors.content_comes_too_early_with(400), _read("the content of a job that runs")),
            (deleting.running_jobs_are_not_deleted, _read("the deletion of a job that runs")),
            (creating.urlencoded_forms_are_taken, _read("create")),
            (creating.keys_of_repeats_are_ignored, _documented(_BILLED)),
        ),
    ),
    "new-api": Imitation(
        "new-api",
        "November 2026",
        (
            *_headers(_like("vLLM-Omni")),
            (errors.errors_lack_param_and_code, _read("its errors")),
            (_NO_LIST, _read("its routes")),
            (errors.discovery_is_missing, _like("vLLM-Omni")),
            (
                errors.errors_become(
                    "unknown_ids_are_400",
                    "Answer an unknown id with a 400.",
                    {"not_found": 400},
                    "retrieve_video",
                    "download_video_content",
                ),
                _read("what it says to an unknown id"),
            ),
            (videos.null_keys_are_missing, _read("its videos")),
            (videos.videos_name_tasks, _read("its videos")),
            (videos.statuses_have_other_words(queued="unknown"), _read("the words of its statuses")),
            (errors.content_comes_too_early_with(400), _read("the content of a job that runs")),
            (creating.keys_of_repeats_are_ignored, _documented(_BILLED)),
        ),
    ),
    "bifrost": Imitation(
        "Bifrost",
        "November 2026",
        (
            *_headers(_like("vLLM-Omni")),
            (errors.errors_have_another_frame, _read("its errors")),
            (errors.discovery_is_missing, _like("vLLM-Omni")),
            (videos.null_keys_are_missing, _read("its videos")),
            (videos.progress_is_a_fraction, _read("its videos")),
            (lists.page_keys_are_missing("first_id", "last_id", "has_more"), _read("the paging keys are optional")),
            (lists.an_empty_page_is_null, _read("an empty list of a server in Go")),
            (errors.content_comes_too_early_with(400), _read("the content of a job that runs")),
            (videos.ids_name_a_provider("openai"), _read("its ids")),
            (creating.keys_of_repeats_are_ignored, _documented(_BILLED)),
        ),
    ),
    "aisix": Imitation(
        "AISIX",
        "November 2026",
        (
            *_headers(_like("vLLM-Omni")),
            (_JOBS_ALONE, _like("vLLM-Omni")),
            (errors.discovery_is_missing, _like("vLLM-Omni")),
            (lists.lists_are_refused(400, "Listing is not supported."), _read("lists")),
            (content.files_are_elsewhere, _read("the content of some vendors")),
            (creating.keys_of_repeats_are_ignored, _documented(_BILLED)),
        ),
    ),
    "qvac": Imitation(
        "QVAC",
        "November 2026",
        (
            *_headers(_like("vLLM-Omni")),
            (_JOBS_ALONE, _like("vLLM-Omni")),
            (errors.discovery_is_missing, _like("vLLM-Omni")),
            (content.pictures_are_refused(501), _read("variants")),
            (creating.keys_of_repeats_are_ignored, _documented(_BILLED)),
        ),
    ),
    "omlx": Imitation(
        "oMLX",
        "November 2026",
        (
            *_headers(_like("FastVideo")),
            (errors.errors_are_details, _read("its errors")),
            (errors.unknown_paths_are_the_frameworks, _like("FastVideo")),
            (errors.head_is_refused, _like("FastVideo")),
            (_NO_OTHERS, _like("FastVideo")),
            (errors.discovery_is_missing, _like("FastVideo")),
            (videos.statuses_have_other_words(failed="cancelled"), _read("the words of its statuses")),
            (deleting.running_jobs_are_not_deleted, _read("the deletion of a job that runs")),
            (creating.keys_of_repeats_are_ignored, _documented(_BILLED)),
        ),
    ),
    "openrouter": Imitation(
        "a gateway like OpenRouter",
        "November 2026",
        (
            *_headers(_like("vLLM-Omni")),
            (_NO_LIST, _documented("its operations")),
            (errors.discovery_is_missing, _documented("its operations")),
            (videos.creates_are_202, _documented("create")),
            (videos.creates_tell_an_id_alone, _documented("create")),
            (videos.keys_are_missing("created_at", "model"), _documented("its videos")),
            (
                videos.statuses_have_other_words(queued="pending", failed="cancelled"),
                _documented("the words of its statuses"),
            ),
            (creating.forms_are_refused, _documented("create")),
            (creating.keys_of_repeats_are_ignored, _documented(_BILLED)),
        ),
    ),
}
"""The servers that are imitated, by the names that the option `--imitate` takes."""


def imitation(name: str) -> Imitation:
    """Return an imitation.

    Raises:
        ValueError: There is none of this name; the message lists the names.
    """
    if name not in IMITATIONS:
        raise ValueError(f"there is no imitation of {name!r}; use one of {', '.join(IMITATIONS)}")
    return IMITATIONS[name]
