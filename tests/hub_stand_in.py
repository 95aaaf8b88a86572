"""A Hugging Face Hub on loopback, in memory: as much of its HTTP as ``huggingface_hub`` and ``datasets`` use.

Commits, branches, tags and LFS objects behave as on the Hub, written after what its client sends and expects; Xet is left out
(clients set ``HF_HUB_DISABLE_XET``). A ``Fault`` makes it fail as networks and servers do.
"""

import asyncio
import base64
import hashlib
import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, unquote

import uvicorn
import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tests.hub_state import Blob, Hub, Refusal, Repo

TOKENS = {"hf_writer": ("ann", "write"), "hf_reader": ("ann", "read"), "hf_stranger": ("bob", "write")}
REGULAR_LIMIT = 10_000_000
LFS_SUFFIXES = (".parquet", ".tar", ".jpg", ".png")
PART_BYTES = 16_000_000
"""Objects above this are sent in parts of it."""


class Site:
    """The endpoints."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    def routes(self) -> list[Route]:
        return [
            Route("/api/whoami-v2", self.whoami),
            Route("/api/validate-yaml", self.validate_yaml, methods=["POST"]),
            Route("/api/repos/create", self.create, methods=["POST"]),
            *self.repo_routes("/api/datasets/{owner}/{name}", "/datasets/{owner}/{name}"),
            *self.repo_routes("/api/models/{owner}/{name}", "/{owner}/{name}"),
            Route("/lfs/{owner}/{name}/{oid}", self.put, methods=["PUT"]),
            Route("/lfs/{owner}/{name}/{oid}/{part:int}", self.put, methods=["PUT"]),
            Route("/lfs/{owner}/{name}/{oid}/complete", self.complete, methods=["POST"]),
            Route("/lfs/{owner}/{name}/{oid}/verify", self.verify, methods=["POST"]),
        ]

    def repo_routes(self, repo: str, git: str) -> list[Route]:
        return [
            Route(repo, self.info),
            Route(repo + "/revision/{rev}", self.info),
            Route(repo + "/tree/{rev}", self.tree),
            Route(repo + "/tree/{rev}/{path:path}", self.tree),
            Route(repo + "/paths-info/{rev}", self.paths_info, methods=["POST"]),
            Route(repo + "/refs", self.refs),
            Route(repo + "/tag/{rev}", self.tag, methods=["POST"]),
            Route(repo + "/branch/{rev}", self.branch, methods=["POST", "DELETE"]),
            Route(repo + "/preupload/{rev}", self.preupload, methods=["POST"]),
            Route(repo + "/commit/{rev}", self.commit, methods=["POST"]),
            Route(git + ".git/info/lfs/objects/batch", self.batch, methods=["POST"]),
            Route(git + "/resolve/{rev}/{path:path}", self.resolve),
        ]

    def user(self, request: Request) -> tuple[str, str]:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token and token not in TOKENS:
            raise Refusal(401, message="Invalid credentials in Authorization header")
        return TOKENS.get(token, ("", "read"))

    def repo(self, request: Request, write: bool = False) -> Repo:
        name, role = self.user(request)
        repo = self.hub.repos.get("{owner}/{name}".format(**request.path_params))
        if repo is None or (repo.private and name != repo.owner):
            raise Refusal(404 if name else 401, "RepoNotFound", "Repository not found")
        if write and (name != repo.owner or role != "write"):
            raise Refusal(403, message="You don't have the rights to do this")
        return repo

    def at(self, request: Request, repo: Repo) -> str:
        commit = repo.resolve(unquote(request.path_params.get("rev", "main")))
        if commit is None:
            raise Refusal(404, "RevisionNotFound", "Invalid rev id")
        return commit

    async def whoami(self, request: Request) -> Response:
        name, role = self.user(request)
        if not name:
            raise Refusal(401)
        token = {"displayName": "test", "role": role}
        return JSONResponse(
            {"type": "user", "name": name, "orgs": [], "auth": {"type": "access_token", "accessToken": token}}
        )

    async def validate_yaml(self, request: Request) -> Response:
        content = (await request.json())["content"]
        try:
            value = yaml.safe_load(content.split("---\n")[1])
            errors = [] if isinstance(value, dict) and value.get("license") else [{"message": "no license"}]
        except (IndexError, yaml.YAMLError) as error:
            errors = [{"message": str(error)}]
        return JSONResponse({"errors": errors, "warnings": []}, status_code=400 if errors else 200)

    async def create(self, request: Request) -> Response:
        name, role = self.user(request)
        asked = await request.json()
        owner = asked.get("organization") or name
        repo_id = f"{owner}/{asked['name']}"
        if owner != name or role != "write":
            raise Refusal(403, message=f"You don't have the rights to create a dataset under the namespace {owner}")
        if asked["name"].lower() in ("con", "reserved"):
            raise Refusal(400, message="This name is reserved")
        if repo_id in self.hub.repos:
            raise Refusal(409, message="You already created this dataset repo")
        repo = self.hub.repos[repo_id] = Repo(owner, private=asked.get("visibility") == "private")
        repo.commit("main", {".gitattributes": Blob(b"*.parquet filter=lfs\n", False)})
        kind = "datasets/" if asked.get("type") == "dataset" else ""
        return JSONResponse({"url": f"{self.hub.url}/{kind}{repo_id}", "id": repo_id, "name": repo_id})

    async def info(self, request: Request) -> Response:
        repo = self.repo(request)
        commit = self.at(request, repo)
        repo_id = "{owner}/{name}".format(**request.path_params)
        siblings = [{"rfilename": path} for path in sorted(repo.commits[commit])]
        value = {"id": repo_id, "sha": commit, "private": repo.private, "siblings": siblings, "tags": []}
        return JSONResponse(value | {"gated": False, "disabled": False, "downloads": 0, "likes": 0, "_id": "0" * 24})

    async def tree(self, request: Request) -> Response:
        repo = self.repo(request)
        files = repo.commits[self.at(request, repo)]
        base = request.path_params.get("path", "").strip("/")
        prefix = f"{base}/" if base else ""
        deep = request.query_params.get("recursive", "").lower() == "true"
        entries: dict[str, dict[str, Any]] = {}
        for path, blob in sorted(files.items()):
            if not path.startswith(prefix):
                continue
            folders = path[len(prefix) :].split("/")[:-1]
            for depth in range(1, len(folders) + 1 if deep else min(2, len(folders) + 1)):
                folder = prefix + "/".join(folders[:depth])
                entries[folder] = {"type": "directory", "path": folder, "oid": "0" * 40, "size": 0}
            if deep or not folders:
                entries[path] = blob.info(path)
        if base and not entries:
            raise Refusal(404, "EntryNotFound", f"{base} does not exist")
        return JSONResponse(list(entries.values()))

    async def paths_info(self, request: Request) -> Response:
        repo = self.repo(request)
        files = repo.commits[self.at(request, repo)]
        found = []
        for path in parse_qs((await request.body()).decode())["paths"]:
            name = path.strip("/")
            if name in files:
                found.append(files[name].info(name))
            elif any(file.startswith(f"{name}/") for file in files):
                found.append({"type": "directory", "path": name, "oid": "0" * 40, "size": 0})
        return JSONResponse(found)

    async def refs(self, request: Request) -> Response:
        repo = self.repo(request)
        heads = [{"name": n, "ref": f"refs/heads/{n}", "targetCommit": c} for n, c in repo.branches.items()]
        tags = [{"name": n, "ref": f"refs/tags/{n}", "targetCommit": c} for n, c in repo.tags.items()]
        return JSONResponse({"branches": heads, "converts": [], "tags": tags})

    async def tag(self, request: Request) -> Response:
        repo = self.repo(request, write=True)
        name = (await request.json())["tag"]
        if name in repo.tags:
            raise Refusal(409, message="Tag reference exists already")
        repo.tags[name] = self.at(request, repo)
        return JSONResponse({})

    async def branch(self, request: Request) -> Response:
        repo = self.repo(request, write=True)
        name = unquote(request.path_params["rev"])
        if request.method == "DELETE":
            if repo.branches.pop(name, None) is None:
                raise Refusal(404, "RevisionNotFound")
            return JSONResponse({})
        if name in repo.branches:
            raise Refusal(409, message="Reference already exists")
        commit = repo.resolve((await request.json()).get("startingPoint", "main"))
        if commit is None:
            raise Refusal(404, "RevisionNotFound")
        repo.branches[name] = commit
        return JSONResponse({})

    async def preupload(self, request: Request) -> Response:
        repo = self.repo(request, write=True)
        files = repo.commits[self.at(request, repo)]
        answer = []
        for asked in (await request.json())["files"]:
            lfs = asked["path"].endswith(LFS_SUFFIXES) or asked["size"] > REGULAR_LIMIT
            known = files.get(asked["path"])
            oid = None if known is None else known.sha256 if known.lfs else known.oid
            mode = "lfs" if lfs else "regular"
            answer.append({"path": asked["path"], "uploadMode": mode, "shouldIgnore": False, "oid": oid})
        return JSONResponse({"files": answer})

    async def batch(self, request: Request) -> Response:
        repo = self.repo(request, write=True)
        place = "{url}/lfs/{owner}/{name}".format(url=self.hub.url, **request.path_params)
        objects = []
        for asked in (await request.json())["objects"]:
            oid, size = asked["oid"], asked["size"]
            if oid in repo.objects:
                objects.append({"oid": oid, "size": size})
                continue
            upload: dict[str, Any] = {"href": f"{place}/{oid}"}
            if size > PART_BYTES:
                parts = {str(n + 1): f"{place}/{oid}/{n + 1}" for n in range(-(-size // PART_BYTES))}
                upload = {"href": f"{place}/{oid}/complete", "header": {"chunk_size": str(PART_BYTES), **parts}}
            verify = {"href": f"{place}/{oid}/verify"}
            objects.append({"oid": oid, "size": size, "actions": {"upload": upload, "verify": verify}})
        return JSONResponse({"objects": objects, "transfer": "basic"})

    def storing(self, request: Request) -> tuple[Repo, str]:
        # Such addresses are signed: no token comes with them.
        return self.hub.repos["{owner}/{name}".format(**request.path_params)], request.path_params["oid"]

    async def put(self, request: Request) -> Response:
        repo, oid = self.storing(request)
        content = await request.body()
        self.hub.received.append((oid, len(content)))
        part = request.path_params.get("part")
        if part is not None:
            self.hub.parts[oid, part] = content
        elif hashlib.sha256(content).hexdigest() != oid:
            raise Refusal(400, message="the content is not that of the oid")
        else:
            repo.objects[oid] = content
        return Response(headers={"ETag": f'"{hashlib.sha256(content).hexdigest()}"'})

    async def complete(self, request: Request) -> Response:
        repo, oid = self.storing(request)
        numbers = [part["partNumber"] for part in (await request.json())["parts"]]
        content = b"".join(self.hub.parts[oid, number] for number in numbers)
        if hashlib.sha256(content).hexdigest() != oid:
            raise Refusal(400, message="the content is not that of the oid")
        repo.objects[oid] = content
        return JSONResponse({})

    async def verify(self, request: Request) -> Response:
        repo = self.repo(request, write=True)
        if request.path_params["oid"] not in repo.objects:
            raise Refusal(404, message="no such object")
        return JSONResponse({})

    async def commit(self, request: Request) -> Response:
        repo = self.repo(request, write=True)
        branch = unquote(request.path_params["rev"])
        if branch not in repo.branches:
            raise Refusal(404, "RevisionNotFound")
        tree = dict(repo.commits[repo.branches[branch]])
        for line in (await request.body()).splitlines():
            entry = json.loads(line)
            key, value = entry["key"], entry["value"]
            if key == "header":
                if value.get("parentCommit") not in (None, repo.branches[branch]):
                    raise Refusal(412, message="A commit has happened since. Please refresh and try again.")
            elif key == "file":
                tree[value["path"]] = Blob(base64.b64decode(value["content"]), False)
            elif key == "lfsFile":
                if value["oid"] not in repo.objects:
                    raise Refusal(400, message=f"LFS object {value['oid']} does not exist")
                tree[value["path"]] = Blob(repo.objects[value["oid"]], True)
            elif key == "deletedFile":
                if tree.pop(value["path"], None) is None:
                    raise Refusal(404, "EntryNotFound", "A file with this name doesn't exist")
            else:
                raise Refusal(400, message=f"unknown operation {key}")
        oid = repo.commit(branch, tree)
        kind = "datasets/" if request.url.path.startswith("/api/datasets/") else ""
        url = "{}/{}{owner}/{name}/commit/{}".format(self.hub.url, kind, oid, **request.path_params)
        return JSONResponse({"commitUrl": url, "commitOid": oid})

    async def resolve(self, request: Request) -> Response:
        repo = self.repo(request)
        commit = self.at(request, repo)
        blob = repo.commits[commit].get(request.path_params["path"])
        if blob is None:
            raise Refusal(404, "EntryNotFound", "Entry not found")
        headers = {
            "X-Repo-Commit": commit,
            "ETag": f'"{blob.sha256 if blob.lfs else blob.oid}"',
            "Accept-Ranges": "bytes",
        }
        if blob.lfs:
            headers |= {"X-Linked-Etag": f'"{blob.sha256}"', "X-Linked-Size": str(len(blob.content))}
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
        if not asked:
            return Response(blob.content, headers=headers, media_type="application/octet-stream")
        first, last = int(asked[1]), min(int(asked[2] or len(blob.content)), len(blob.content) - 1)
        headers["Content-Range"] = f"bytes {first}-{last}/{len(blob.content)}"
        return Response(blob.content[first : last + 1], 206, headers, media_type="application/octet-stream")


def make_app(hub: Hub) -> Any:
    """The application with its faults in front."""

    async def refuse(_: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        headers = {"X-Error-Code": error.code, "X-Error-Message": error.message} if error.code else {}
        return JSONResponse({"error": error.message}, error.status, headers)

    site = Starlette(routes=Site(hub).routes(), exception_handlers={Refusal: refuse})

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await site(scope, receive, send)
        line = f"{scope['method']} {scope['path']}"
        hub.requests.append(line)
        fault = hub.fault(line)
        if fault is None:
            return await site(scope, receive, send)
        if fault.kind == "status":
            return await JSONResponse({"error": "out of order"}, fault.status)(scope, receive, send)
        if fault.kind == "hold":
            await receive()
            fault.held.set()
            await asyncio.to_thread(fault.release.wait, 60)
        elif fault.kind == "lost":
            await site(scope, receive, _swallow)
        # uvicorn's cycle, whose method ``send`` is, knows the connection.
        send.__self__.transport.abort()  # type: ignore[attr-defined]
        return None

    return app


async def _swallow(_: Any) -> None:
    return None


@contextmanager
def running_hub() -> Iterator[Hub]:
    """A stand-in that listens on a free port while the block runs."""
    hub = Hub()
    listener = socket.create_server(("127.0.0.1", 0))
    hub.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = uvicorn.Server(
        uvicorn.Config(make_app(hub), log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        for fault in hub.faults:
            fault.release.set()
        server.should_exit = True
        thread.join(10)
        listener.close()
