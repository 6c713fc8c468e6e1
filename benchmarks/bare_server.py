"""What ingest is measured against: a bare ASGI endpoint with the same group commit and nothing else.

    python benchmarks/bare_server.py DATABASE_URL

It reads a body, inserts it as one row through the journal's own lane, and answers 200 after the commit. No
routing, no headers, no signature, no parsing, no deduplication. Same server, same loop, same durability.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

import uvicorn
import uvloop
from sqlalchemy import Column, Connection, LargeBinary, MetaData, Table, Text

from smart_api_integrations.application.identifiers import ulids
from smart_api_integrations.storage import open_journal
from smart_api_integrations.storage.secret_cipher import SecretCipher

bare = Table("bare", MetaData(), Column("id", Text, primary_key=True), Column("body", LargeBinary))


async def serve(database_url: str) -> None:
    """Serve until killed."""
    new_id = ulids()
    journal = open_journal(database_url, new_id=new_id, cipher=SecretCipher([bytes(32)]))
    await journal.open()
    store: Any = journal._store  # type: ignore[attr-defined]  # noqa: SLF001 - its lane, its durability
    await store.write_one(lambda connection, _: bare.metadata.create_all(connection), None)

    def insert(connection: Connection, bodies: Sequence[bytes]) -> list[None]:
        store.dialect.write_rows(connection, bare, [(new_id(""), body) for body in bodies])
        return [None] * len(bodies)

    async def app(_: Mapping[str, Any], receive: Any, send: Any) -> None:
        message = await receive()
        await store.write(insert, message["body"])
        headers = [(b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"ok"})

    config = uvicorn.Config(app, host="127.0.0.1", port=0, http="httptools", lifespan="off", log_config=None)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(2048)  # from here on connections wait until the server takes them
        print(f"Ready http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
        await uvicorn.Server(config).serve(sockets=[listening])


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(sys.argv[1]))
