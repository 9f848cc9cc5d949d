"""The operations of GraphQL that a W&B server answers; one that is not here is refused by name."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from wandb_limits import check_artifact, check_metrics, check_names
from wandb_state import ENTITY, Kept, RefusedError, StoredRun

Variables = dict[str, Any]


class Operations:
    """Answers operations from what is kept; the name of a method is that of its operation."""

    def __init__(self, kept: Kept, url: str) -> None:
        self.kept, self.url = kept, url

    def answer(self, name: str, variables: Variables) -> Any:
        """The data of an operation."""
        operation: Callable[[Variables], Any] | None = getattr(self, f"do_{name}", None)
        if operation is None:
            self.kept.unknown.append(name)
            raise RefusedError(400, f"the loopback server does not know the operation {name}")
        return operation(variables)

    # Who is asking.

    def do_ServerFeaturesQuery(self, _: Variables) -> Any:
        return {"serverInfo": {"features": []}}

    def do_ServerInfo(self, _: Variables) -> Any:
        return {"serverInfo": {"cliVersionInfo": {}, "latestLocalVersionInfo": None}}

    def do_Viewer(self, _: Variables) -> Any:
        user = {"id": "VXNlcjox", "entity": ENTITY, "username": "me", "name": "Me", "email": "me@lab.example"}
        nobody: dict[str, Any] = {"edges": []}
        return {"viewer": user | {"admin": False, "flags": "{}", "teams": nobody, "apiKeys": nobody}}

    do_GetDefaultEntity = do_GetViewer = do_Viewer

    # Runs.

    def do_UpsertBucket(self, asked: Variables) -> Any:
        entity, project, name = asked.get("entity") or ENTITY, asked["project"], asked["name"]
        check_names(asked)
        inserted = (entity, project, name) not in self.kept.runs
        run = self.kept.run_at((entity, project, name))
        run.attributes.update({key: value for key, value in asked.items() if value is not None})
        if asked.get("config"):
            run.config = json.loads(asked["config"])
        if asked.get("summaryMetrics"):
            run.summary = json.loads(asked["summaryMetrics"])
            check_metrics(run.summary)
        run.state = asked.get("state") or "running"
        self.kept.noted(run)
        return {"upsertBucket": {"bucket": self.bucket(run), "inserted": inserted}}

    def bucket(self, run: StoredRun) -> Any:
        entity, project, name = run.place
        return {
            "id": f"run:{name}",
            "name": name,
            "displayName": run.attributes.get("displayName") or name,
            "description": "",
            "config": json.dumps(run.config),
            "sweepName": None,
            "project": {"id": "p", "name": project, "entity": {"id": "e", "name": entity}},
            "historyLineCount": self.kept.counted(run),
        }

    def do_CreateRunFiles(self, asked: Variables) -> Any:
        run = self.kept.run_at((asked["entity"], asked["project"], asked["run"]))
        run.files.update(asked["files"])
        files = [{"name": name, "uploadUrl": self.upload(f"{run.place[2]}/{name}")} for name in asked["files"]]
        return {"createRunFiles": {"runID": f"run:{asked['run']}", "uploadHeaders": [], "files": files}}

    def upload(self, name: str) -> str:
        return f"{self.url}/upload/{name}"

    # Artifacts, in which tables travel.

    def do_CreateArtifact(self, asked: Variables) -> Any:
        said = asked.get("input") or asked
        id_ = f"artifact:{len(self.kept.artifacts)}"
        names = [said[key] for key in ("artifactCollectionName", "artifactCollectionNames") if said.get(key)]
        check_artifact(names)
        self.kept.artifacts[id_] = {"names": names, "state": "PENDING"}
        sequence = {"id": "s", "latestArtifact": None}
        return {"createArtifact": {"artifact": {"id": id_, "state": "PENDING", "artifactSequence": sequence}}}

    def do_CreateArtifactManifest(self, asked: Variables) -> Any:
        said = asked.get("input") or asked
        artifact = said["artifactID"] if "artifactID" in said else said["artifactId"]
        name = said.get("fileName") or said.get("name") or "manifest"
        file = {"id": "f", "name": name, "displayName": name, "uploadHeaders": []}
        file["uploadUrl"] = self.upload(f"{artifact}/{name}") if said.get("includeUpload") else None
        return {"createArtifactManifest": {"artifactManifest": {"id": "manifest", "file": file}}}

    def do_CreateArtifactFiles(self, asked: Variables) -> Any:
        files = asked["input"]["artifactFiles"]
        edges = [{"node": self.artifact_file(file["artifactID"], file["name"])} for file in files]
        return {"createArtifactFiles": {"files": {"edges": edges}}}

    def artifact_file(self, artifact: str, name: str) -> Any:
        file = {"id": "f", "name": name, "displayName": name, "storagePath": name, "uploadMultipartUrls": None}
        return file | {
            "uploadUrl": self.upload(f"{artifact}/{name}"),
            "uploadHeaders": [],
            "artifact": {"id": artifact},
        }

    def do_CommitArtifact(self, asked: Variables) -> Any:
        said = asked.get("input") or asked
        self.kept.artifacts[said["artifactID"]]["state"] = "COMMITTED"
        return {"commitArtifact": {"artifact": {"id": said["artifactID"], "digest": "d"}}}

    # Saved views of a workspace, found by id, else by name.

    def do_UpsertView2(self, asked: Variables) -> Any:
        entity, project = asked["entityName"], asked["projectName"]
        if not self.has_project(entity, project):
            raise RefusedError(404, f"project {entity}/{project} not found")
        place = {"entity": entity, "project": project, "name": asked["name"]}
        same = [id_ for id_, view in self.kept.views.items() if place.items() <= view.items()]
        id_ = asked.get("id") or next(iter(same), f"view:{len(self.kept.views)}")
        inserted = id_ not in self.kept.views
        kept = place | {key: asked[key] for key in ("displayName", "type", "spec")}
        self.kept.views[id_] = kept
        return {"upsertView": {"view": {"id": id_, "name": asked["name"]}, "inserted": inserted}}

    def do_View(self, asked: Variables) -> Any:
        entity, project = asked["entityName"], asked["name"]
        if not self.has_project(entity, project):
            return {"project": None}
        place = {"entity": entity, "project": project, "name": asked["viewName"], "type": asked["viewType"]}
        found = {id_: view for id_, view in self.kept.views.items() if place.items() <= view.items()}
        nodes = [{"id": id_, "displayName": view["displayName"], "spec": view["spec"]} for id_, view in found.items()]
        return {"project": {"allViews": {"edges": [{"node": node} for node in nodes]}}}

    # Reports, found by id, else by name, and listed; the specifications of custom charts, which have their names once.

    def do_upsertView(self, asked: Variables) -> Any:
        entity, project = asked["entityName"], asked["projectName"]
        if not self.has_project(entity, project):
            raise RefusedError(404, f"project {entity}/{project} not found")
        if asked.get("id") and asked["id"] not in self.kept.reports:
            raise RefusedError(404, f"view {asked['id']} not found")
        place = {"name": asked["name"], "project": {"id": "p", "name": project, "entityName": entity}}
        same = [id_ for id_, report in self.kept.reports.items() if place.items() <= report.items()]
        new = base64.b64encode(f"View:{100 + self.kept.reports_made}".encode()).decode()
        id_ = asked.get("id") or next(iter(same), new)
        inserted = id_ not in self.kept.reports
        self.kept.reports_made += inserted
        self.kept.reports[id_] = place | {key: asked[key] for key in ("displayName", "description", "type", "spec")}
        return {"upsertView": {"view": self.report(id_), "inserted": inserted}}

    def do_SpecificReport(self, asked: Variables) -> Any:
        return {"view": self.report(asked["reportId"]) if asked["reportId"] in self.kept.reports else None}

    def report(self, id_: str) -> Any:
        when = {"createdAt": "2026-01-01T00:00:00", "updatedAt": "2026-01-01T00:00:00"}
        return {"id": id_, **self.kept.reports[id_], **when, "user": None}

    def do_ProjectViews(self, asked: Variables) -> Any:
        there = {"name": asked["project"], "entityName": asked["entity"]}
        found = [id_ for id_, view in self.kept.reports.items() if there.items() <= view["project"].items()]
        first = int(asked.get("reportCursor") or 0)
        page = found[first : first + asked["reportLimit"]]
        edges = [{"node": self.report(id_), "cursor": str(first + place + 1)} for place, id_ in enumerate(page)]
        end = {"endCursor": str(first + len(page)), "hasNextPage": first + len(page) < len(found)}
        return {"project": {"allViews": {"edges": edges, "pageInfo": end}}}

    def do_ProjectInternalId(self, asked: Variables) -> Any:
        there = self.has_project(asked["entityName"], asked["projectName"])
        return {"project": {"id": "p", "internalId": "42"} if there else None}

    def do_CreateCustomChart(self, asked: Variables) -> Any:
        id_ = f"{asked['entity']}/{asked['chartName']}"
        if id_ in self.kept.charts:
            raise RefusedError(200, f"custom chart {id_} already exists")  # the words are ours
        self.kept.charts[id_] = {key: asked[key] for key in ("displayName", "chartType", "access", "spec")}
        return {"createCustomChart": {"chart": {"id": id_}}}

    def has_project(self, entity: str, project: str) -> bool:
        """A project is there from its first run on."""
        return any(place[:2] == (entity, project) for place in self.kept.runs)

    def do_Runs(self, asked: Variables) -> Any:
        entity, project = asked["entity"], asked["project"]
        found = self.kept.listed(entity, project)
        if not found and not self.has_project(entity, project):
            return {"project": None}
        wanted = json.loads(asked.get("filters") or "{}")
        found = [run for run in found if fits(run, wanted)]
        first = int(asked.get("cursor") or 0)
        page = found[first : first + asked.get("perPage", 50)]
        edges = [{"node": self.node(run), "cursor": str(first + place + 1)} for place, run in enumerate(page)]
        more = first + len(page) < len(found)
        end = {"endCursor": str(first + len(page)), "hasNextPage": more}
        return {
            "project": {
                "internalId": "1",
                "runCount": len(found),
                "readOnly": False,
                "runs": {"edges": edges, "pageInfo": end},
            }
        }

    def do_Run(self, asked: Variables) -> Any:
        run = self.kept.runs.get((asked["entity"], asked["project"], asked["name"]))
        seen = self.kept.seen(run, self.kept.direct_late_seconds) if run else None
        if seen is None and not self.has_project(asked["entity"], asked["project"]):
            return {"project": None}
        return {"project": {"run": None if seen is None else self.node(seen), "internalId": "1"}}

    def node(self, run: StoredRun) -> Any:
        said = run.attributes
        return {
            "id": f"run:{run.place[2]}",
            "projectId": "1",
            "name": run.place[2],
            "displayName": said.get("displayName") or run.place[2],
            "tags": said.get("tags") or [],
            "sweepName": None,
            "state": run.state,
            "group": said.get("groupName"),
            "jobType": said.get("jobType"),
            "commit": None,
            "readOnly": False,
            "createdAt": "2026-01-01T00:00:00",
            "heartbeatAt": "2026-01-01T00:00:00",
            "description": "",
            "notes": said.get("notes"),
            "config": json.dumps(run.config),
            "systemMetrics": "{}",
            "summaryMetrics": json.dumps(run.summary),
            "historyLineCount": self.kept.counted(run),
            "historyKeys": None,
            "user": {"name": "Me", "username": "me"},
        }


def fits(run: StoredRun, wanted: Any) -> bool:
    """Whether a run fits a filter in MongoDB's words, as far as an export asks."""
    for key, value in wanted.items():
        if key in ("$and", "$or"):
            results = [fits(run, one) for one in value]
            if not (all(results) if key == "$and" else any(results)):
                return False
        elif key == "name":
            names = value["$in"] if isinstance(value, dict) else [value]
            if run.place[2] not in names:
                return False
        elif key == "group":
            if run.attributes.get("groupName") != value:
                return False
        else:
            raise RefusedError(400, f"the loopback server knows no filter {key}")
    return True
