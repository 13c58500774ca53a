"""The registry's ``dynaspark``, ``litellm``, the ``llm`` command and curl against our server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from scripted import Scripted

from aiodynaspark import RateLimitError

pytestmark = pytest.mark.clients

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360000000000500016082cb9f0000000049454e44ae426082"
)


async def test_dynaspark(run: Any) -> None:
    said = json.loads(
        await run("""
            import json, os, dynaspark
            dynaspark.DynaSpark.BASE_URL = os.environ["URL"] + "/api/"
            client = dynaspark.DynaSpark(api_key="any")
            found = [
                client.generate_response("hello there"),
                client.generate_response("hello there", json=True, temperature=0.5, system="x"),
                client.generate_response("hello there", stream=True),
            ]
            for ask in (
                lambda: client.generate_response(""),
                lambda: client.generate_image("a cat"),
                lambda: client.generate_audio_response("x"),
            ):
                try:
                    ask()
                except dynaspark.DynaSparkError as error:
                    found.append(str(error))
            print(json.dumps(found))
        """)
    )
    counts = {"prompt_tokens": 2, "completion_tokens": 2, "total_tokens": 4}
    assert said[0] == {"response": "hello there"}
    assert said[1] == {"response": "hello there", "model": "echo", "usage": counts}
    assert said[2]["response"].startswith('data: {"response":"hello "}')
    statuses = [next(word for word in text.split() if word.isdigit()) for text in said[3:]]
    assert statuses == ["400", "501", "501"]


async def test_dynaspark_at_its_limit(run: Any) -> None:
    Scripted.chunks = [RateLimitError("Slow down.", status=429, retry_after=1)]
    said = await run("""
        import os, dynaspark
        dynaspark.DynaSpark.BASE_URL = os.environ["URL"] + "/api/"
        try:
            dynaspark.DynaSpark().generate_response("x", model="scripted")
        except dynaspark.DynaSparkError as error:
            print(error)
    """)
    assert "429" in said


async def test_litellm(run: Any) -> None:
    said = json.loads(
        await run("""
            import json, os, litellm
            litellm.suppress_debug_info = True
            asked = dict(
                model="openai/echo", api_base=os.environ["URL"] + "/v1", api_key="any",
                messages=[{"role": "user", "content": "hello there"}], num_retries=0,
            )
            whole = litellm.completion(**asked)
            pieces = [c.choices[0].delta.content for c in litellm.completion(**asked, stream=True)]
            try:
                litellm.completion(**{**asked, "model": "openai/nothing"})
            except litellm.NotFoundError as error:
                missing = error.status_code
            text = whole.choices[0].message.content
            total = whole.usage.total_tokens
            print(json.dumps([text, total, "".join(p or "" for p in pieces), missing]))
        """)
    )
    assert said == ["hello there", 4, "hello there", 404]


async def test_llm(run: Any, url: str, tmp_path: Path) -> None:
    models = [{"model_id": "ours", "model_name": "echo", "api_base": f"{url}/v1"}]
    (tmp_path / "extra-openai-models.yaml").write_text(json.dumps(models))
    for more in ([], ["--no-stream"], ["--system", "be kind"]):
        said = await run("llm", "prompt", "-m", "ours", "hello there", "--key", "any", *more)
        assert said == "hello there\n"


async def test_curl(run: Any, url: str, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    form = f"{url}/generate_response"
    for given in (
        ["--data-urlencode", "user_input=hello there"],
        ["-F", "user_input=hello there"],
        ["-F", "user_input=hello there", "-F", "file=@a.png"],
    ):
        said = json.loads(await run("curl", "--silent", "--show-error", *given, form))
        assert said == {"response": "hello there", "model": "echo"}
    refused = json.loads(await run("curl", "--silent", "--show-error", "-F", "file=@-", form))
    assert "error" in refused
