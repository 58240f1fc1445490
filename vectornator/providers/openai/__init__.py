"""OpenAI vector stores: the provider, and the only place that knows OpenAI's SDK.

Read `provider` first. `client` makes requests and checks answers, `failures` sorts what goes
wrong, `store` has the requests about a store, `uploads` those about Files, `intake` brings the
latter into the former; `names`, `attributes` and `options` are pure.
"""

from vectornator.providers.openai.provider import OpenAIProvider

__all__ = ["OpenAIProvider"]
