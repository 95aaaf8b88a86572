"""Deployments of the flows on a Prefect server: read from ``prefect.yaml``, checked here, created or brought up to date there.

``prefect deploy --all`` reads the same file; beyond it, this makes the work pool with its queues and their limits, checks
every parameter against its flow before anything is sent, and asks nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import yaml
from prefect import Flow
from prefect.exceptions import ParameterBindError, ParameterTypeError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas.errors import ConfigError

PoolType = Literal["process", "docker", "kubernetes"]
POOL_TYPES: tuple[PoolType, ...] = ("process", "docker", "kubernetes")
IMAGE_ROOT = "/opt/storyreasoning"
"""Where the Dockerfile puts the project."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Queue(_Part):
    """A work queue: runs at once over all workers of the pool, and its place among the others (1 goes first)."""

    concurrency_limit: int = Field(ge=1)
    priority: int = Field(ge=1)


class Schedule(_Part):
    """When a deployment runs by itself, in the hours of a place."""

    cron: str
    timezone: str
    active: bool = True
    slug: str


class Limit(_Part):
    """Runs of one deployment at once, and what becomes of one too many."""

    limit: int = Field(ge=1)
    collision_strategy: Literal["ENQUEUE", "CANCEL_NEW"]


class PoolPlace(_Part):
    """Where a deployment runs."""

    name: str
    work_queue_name: str
    job_variables: dict[str, Any] = {}


class Deployment(_Part):
    """An entry of ``prefect.yaml``."""

    name: str
    entrypoint: str
    description: str
    tags: list[str]
    parameters: dict[str, Any]
    concurrency_limit: Limit
    work_pool: PoolPlace
    schedules: list[Schedule] = []

    @property
    def flow(self) -> Flow[Any, Any]:
        """The flow that the entrypoint names."""
        path, _, name = self.entrypoint.partition(":")
        found: Flow[Any, Any] = getattr(import_module(".".join(PurePosixPath(path).with_suffix("").parts)), name)
        return found


@dataclass(frozen=True, slots=True)
class Plan:
    """What a server is to hold: a pool of a type with its queues, and deployments that run from the folder ``root``."""

    pool: str
    pool_type: PoolType
    template: Mapping[str, Any]
    queues: Mapping[str, Queue]
    deployments: Sequence[Deployment]
    root: str


def read_plan(
    file: Path, pool: str | None = None, pool_type: PoolType = "process", template: Path | None = None
) -> Plan:
    """The plan in a ``prefect.yaml``; every parameter has been held against its flow.

    Args:
        file: the file; its folder is that of the project.
        pool: another name for the work pool.
        pool_type: where runs are started: processes of the worker, containers, or Kubernetes jobs.
        template: base job template of a pool of containers, as YAML; by default ``deploy/<type>.yaml`` beside the file.

    Raises:
        ConfigError: a file is missing or damaged, or a deployment asks for what its flow does not have.
    """
    values = _read_yaml(file)
    try:
        queues = {name: Queue.model_validate(queue) for name, queue in values["definitions"]["work_queues"].items()}
        deployments = [Deployment.model_validate(entry) for entry in values["deployments"]]
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(map(str, fault["loc"]))
        raise ConfigError(f"{file}: {where} in {error.title}: {fault['msg'].lower()}") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{file} has no deployments or no definitions.work_queues: compare prefect.yaml") from error
    for deployment in deployments:
        _check(deployment, queues, file)
    names = {deployment.work_pool.name for deployment in deployments}
    if pool is None and len(names) != 1:
        raise ConfigError(f"{file} names {len(names)} work pools: say with --pool which one to make")
    root = str(file.resolve().parent) if pool_type == "process" else IMAGE_ROOT
    place = template or file.parent / "deploy" / f"{pool_type}.yaml"
    job_template = {} if pool_type == "process" and template is None else _read_yaml(place)
    return Plan(pool or names.pop(), pool_type, job_template, queues, deployments, root)


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path}: run in a checkout of the project, or give --file") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path} holds no mapping")
    return values


def _check(deployment: Deployment, queues: Mapping[str, Queue], file: Path) -> None:
    """Hold a deployment against its flow."""
    where = f"deployment {deployment.name} in {file}"
    try:
        deployment.flow.validate_parameters(deployment.parameters)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"{where}: there is no flow {deployment.entrypoint}") from error
    except (ParameterTypeError, ParameterBindError, ValueError, TypeError) as error:
        raise ConfigError(f"{where}: parameters do not fit: {' '.join(str(error).split())}") from error
    if deployment.work_pool.work_queue_name not in queues:
        raise ConfigError(
            f"{where}: unknown queue '{deployment.work_pool.work_queue_name}', known: {', '.join(queues)}"
        )
    for schedule in deployment.schedules:
        try:
            _cron(schedule)
        except ValueError as error:
            raise ConfigError(f"{where}: cron '{schedule.cron}' in {schedule.timezone} is not valid") from error


def _cron(schedule: Schedule) -> Any:
    from prefect.client.schemas.schedules import CronSchedule

    return CronSchedule(cron=schedule.cron, timezone=schedule.timezone)


def apply_plan(plan: Plan) -> list[str]:
    """Bring the server of ``PREFECT_API_URL`` to the plan, and say what was done; doing it again changes nothing.

    Raises:
        ConfigError: no server is named, none answers, or it refuses.
    """
    import httpx
    from prefect.client.orchestration import get_client
    from prefect.exceptions import PrefectHTTPStatusError
    from prefect.settings import PREFECT_API_URL

    url = PREFECT_API_URL.value()
    if not url:
        raise ConfigError("PREFECT_API_URL is not set: start a server with 'prefect server start' and set it")
    try:
        with get_client(sync_client=True) as client:
            client.raise_for_api_version_mismatch()
            return [*_apply_pool(client, plan), *(_apply_deployment(client, plan, one) for one in plan.deployments)]
    except PrefectHTTPStatusError as error:
        raise ConfigError(f"the Prefect server at {url} refused: {' '.join(error.response.text.split())}") from error
    except (httpx.HTTPError, RuntimeError) as error:
        raise ConfigError(f"no Prefect server answers at {url}: start one, or set PREFECT_API_URL") from error


def _apply_pool(client: Any, plan: Plan) -> list[str]:
    from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
    from prefect.exceptions import ObjectNotFound

    try:
        standing = client.read_work_pool(plan.pool)
    except ObjectNotFound:
        client.create_work_pool(
            WorkPoolCreate(name=plan.pool, type=plan.pool_type, base_job_template=dict(plan.template))
        )
        told = [f"made work pool {plan.pool} ({plan.pool_type})"]
    else:
        if standing.type != plan.pool_type:
            raise ConfigError(f"work pool {plan.pool} is of type {standing.type}: give another --pool or --type")
        if plan.template and standing.base_job_template != plan.template:
            client.update_work_pool(plan.pool, WorkPoolUpdate(base_job_template=dict(plan.template)))
        told = [f"work pool {plan.pool} is there ({plan.pool_type})"]
    for name, queue in plan.queues.items():
        limits = {"concurrency_limit": queue.concurrency_limit, "priority": queue.priority}
        try:
            client.update_work_queue(client.read_work_queue_by_name(name, work_pool_name=plan.pool).id, **limits)
        except ObjectNotFound:
            client.create_work_queue(name, work_pool_name=plan.pool, **limits)
        told.append(f"queue {name}: {queue.concurrency_limit} at once")
    return told


def _apply_deployment(client: Any, plan: Plan, deployment: Deployment) -> str:
    from prefect.client.schemas.actions import DeploymentScheduleCreate
    from prefect.client.schemas.objects import ConcurrencyLimitStrategy, ConcurrencyOptions

    flow = deployment.flow
    limit = deployment.concurrency_limit
    client.create_deployment(
        flow_id=client.create_flow_from_name(flow.name),
        name=deployment.name,
        version=flow.version,
        description=deployment.description,
        tags=deployment.tags,
        parameters=deployment.parameters,
        parameter_openapi_schema=flow.parameters.model_dump(exclude_unset=True),
        enforce_parameter_schema=True,
        entrypoint=deployment.entrypoint,
        pull_steps=[{"prefect.deployments.steps.set_working_directory": {"directory": plan.root}}],
        work_pool_name=plan.pool,
        work_queue_name=deployment.work_pool.work_queue_name,
        job_variables=deployment.work_pool.job_variables,
        concurrency_limit=limit.limit,
        concurrency_options=ConcurrencyOptions(collision_strategy=ConcurrencyLimitStrategy(limit.collision_strategy)),
        schedules=[
            DeploymentScheduleCreate(schedule=_cron(one), active=one.active, slug=one.slug)
            for one in deployment.schedules
        ],
    )
    when = ", ".join(f"{one.cron} {one.timezone}{'' if one.active else ' (off)'}" for one in deployment.schedules)
    return f"deployment {flow.name}/{deployment.name}: {when or 'no schedule'}"
