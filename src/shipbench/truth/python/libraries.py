"""What is known of single libraries beyond what their source says by itself."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Library:
    """`packages` are indexed whole, of `bases` only what the packages' classes inherit.

    Models that accept extra fields may get any field from a service: `never` are names that no service sends there,
    because they belong to other responses or other SDKs. `removed` are module-level names that no release since
    `removed_in` has; those in `raising` still have a stand-in that raises `removed_by`. `entry` are the classes whose
    instances an application calls. `preserving` are decorators that change no signature. `extenders` are packages
    that change the library's classes or objects while a program runs.
    """

    name: str
    packages: tuple[str, ...]
    bases: tuple[str, ...] = ()
    never: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()
    raising: frozenset[str] = frozenset()
    removed_in: str = ""
    removed_by: str = ""
    entry: tuple[str, ...] = ()
    preserving: frozenset[str] = frozenset()
    extenders: frozenset[str] = frozenset()


# Classes whose `__getattr__` or `__dict__.update` answers only what else is declared: pydantic's serves private
# attributes and, where a model accepts them, extra fields, which `extra=allow` tells.
CLOSED: Final = frozenset({"pydantic.main.BaseModel"})


_OPENAI_RAISING: Final = frozenset(
    {
        *("Edit", "File", "Audio", "Image", "Model", "Engine", "Customer", "FineTune", "Embedding", "Completion"),
        *("Deployment", "Moderation", "ErrorObject", "FineTuningJob", "ChatCompletion"),
    }
)
# What 0.28.1 had at its top and 1.0.0 has not.
_OPENAI_GONE: Final = frozenset(
    {
        *(
            "InvalidRequestError",
            "aiosession",
            "api_base",
            "api_key_path",
            "api_requestor",
            "api_resources",
            "app_info",
        ),
        *(
            "ca_bundle_path",
            "datalib",
            "debug",
            "embeddings_utils",
            "enable_telemetry",
            "error",
            "log",
            "object_classes",
        ),
        *("openai_object", "openai_response", "proxy", "requestssession", "upload_progress", "util", "validators"),
        *("verify_ssl_certs", "wandb_logger"),
    }
)

LIBRARIES: Final = {
    "openai": Library(
        name="openai",
        packages=("openai",),
        bases=("pydantic",),
        # Accessors of other responses, of other SDKs, and spellings near the real ones. `reasoning_content`,
        # `citations`, `provider` and the like are sent by compatible services and are not here.
        never=frozenset(
            {
                *("text", "output_text", "generated_text", "full_text", "content_text", "get_text"),
                *("completion", "completions", "message", "messages", "message_content", "output_message"),
                *("response", "responses", "answer", "reply", "choice", "first_choice"),
            }
        ),
        removed=_OPENAI_RAISING | _OPENAI_GONE,
        raising=_OPENAI_RAISING,
        removed_in="1.0.0",
        removed_by="openai.lib._old_api.APIRemovedInV1",
        entry=("openai.OpenAI", "openai.AsyncOpenAI"),
        preserving=frozenset({"required_args"}),
        extenders=frozenset({"instructor", "langfuse", "mlflow", "promptlayer", "langsmith", "weave", "logfire"}),
    ),
    "fastapi": Library(
        name="fastapi",
        packages=("fastapi", "starlette"),
        bases=("pydantic",),
        entry=("fastapi.FastAPI", "fastapi.APIRouter"),
    ),
}


def about(library: str) -> Library:
    """What is known of `library`; of an unknown one, that its package is named like it."""
    known = LIBRARIES.get(library)
    return known or Library(name=library, packages=(library.replace("-", "_"),))
