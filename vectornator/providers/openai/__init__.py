"""OpenAI vector stores: the provider, and the only place that knows OpenAI's SDK.

Read `provider` first. `client` makes requests and checks answers, `access` knows what lets them in
and `identity` who a CI job is, `failures` sorts what goes wrong, `store` has the requests about a
store, `uploads` those about Files, `intake` brings the latter into the former; `names`,
`attributes`, `options` and `hosts` are pure.
"""

from vectornator.providers.openai.provider import OpenAIProvider

__all__ = ["OpenAIProvider"]
