"""The exchange of a CI job's identity token for a short-lived key, which the service does apart."""

from typing import Literal

from tests.openai_server.call import Answer, Call
from tests.openai_server.schemas import Body, JsonObject, read_body


class Exchange(Body):
    """`POST /oauth/token`, as the SDK sends it."""

    grant_type: Literal["urn:ietf:params:oauth:grant-type:token-exchange"]
    subject_token: str
    subject_token_type: Literal[
        "urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:id_token"
    ]
    identity_provider_id: str
    service_account_id: str


def exchange_token(call: Call) -> JsonObject | Answer:
    """`POST /oauth/token`: a key for a token that `State.subjects` holds."""
    body = read_body(Exchange, call.request.body)
    if body.subject_token not in call.state.subjects:
        error = {"error": "invalid_grant", "error_description": "The subject token is not trusted."}
        return Answer.from_json(error, call.rules.assumptions.exchange_refusal)
    token, lifetime = call.state.make_id("eyJ", 48), call.rules.assumptions.exchanged_key_seconds
    call.state.tokens[token] = call.now + lifetime
    return {"access_token": token, "token_type": "Bearer", "expires_in": lifetime}
