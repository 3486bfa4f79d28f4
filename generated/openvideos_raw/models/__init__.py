"""Contains all the data models used in inputs/outputs"""

from .character import Character
from .contract_claim import ContractClaim
from .contract_claim_extensions_item import ContractClaimExtensionsItem
from .contract_claim_profiles_item import ContractClaimProfilesItem
from .create_character_form import CreateCharacterForm
from .create_video_form import CreateVideoForm
from .create_video_json import CreateVideoJson
from .edit_video_form import EditVideoForm
from .edit_video_json import EditVideoJson
from .error_detail import ErrorDetail
from .error_response import ErrorResponse
from .extend_video_form import ExtendVideoForm
from .extend_video_json import ExtendVideoJson
from .image_reference import ImageReference
from .list_order import ListOrder
from .model import Model
from .model_list import ModelList
from .reference import Reference
from .reference_role import ReferenceRole
from .remix_video_json import RemixVideoJson
from .video import Video
from .video_completed_event import VideoCompletedEvent
from .video_delete_response import VideoDeleteResponse
from .video_error import VideoError
from .video_event_data import VideoEventData
from .video_failed_event import VideoFailedEvent
from .video_list import VideoList
from .video_model import VideoModel
from .video_reference import VideoReference
from .video_status import VideoStatus
from .video_variant import VideoVariant

__all__ = (
    "Character",
    "ContractClaim",
    "ContractClaimExtensionsItem",
    "ContractClaimProfilesItem",
    "CreateCharacterForm",
    "CreateVideoForm",
    "CreateVideoJson",
    "EditVideoForm",
    "EditVideoJson",
    "ErrorDetail",
    "ErrorResponse",
    "ExtendVideoForm",
    "ExtendVideoJson",
    "ImageReference",
    "ListOrder",
    "Model",
    "ModelList",
    "Reference",
    "ReferenceRole",
    "RemixVideoJson",
    "Video",
    "VideoCompletedEvent",
    "VideoDeleteResponse",
    "VideoError",
    "VideoEventData",
    "VideoFailedEvent",
    "VideoList",
    "VideoModel",
    "VideoReference",
    "VideoStatus",
    "VideoVariant",
)
