"""The manifest of a fleet on Kubernetes: of the form that Kubernetes' API takes, and what the fleet asks of it."""

from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from bench.fleet.node import NODE, RESOURCE

ROOT = Path(__file__).parents[3]
FILE = ROOT / "ci/fleet.kubernetes.yaml"
TEXT = {"type": "string", "minLength": 1}
NAME = {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"}
PORT = {"type": "integer", "minimum": 1, "maximum": 65535}
LABELS = {"type": "object", "additionalProperties": TEXT, "minProperties": 1}


def thing(required, **fields):
    return {"type": "object", "properties": fields, "required": required, "additionalProperties": False}


def some(items):
    return {"type": "array", "items": items, "minItems": 1}


AMOUNTS = thing(["cpu", "memory"], cpu=TEXT, memory={"type": "string", "pattern": r"^[0-9]+(Ki|Mi|Gi)$"})
CONTAINER = thing(
    ["name", "image", "command", "securityContext"],
    name=NAME,
    image=TEXT,
    command=some(TEXT),
    env=some(
        {
            "oneOf": [
                thing(["name", "value"], name=TEXT, value={"type": "string"}),
                thing(
                    ["name", "valueFrom"],
                    name=TEXT,
                    valueFrom=thing(["fieldRef"], fieldRef=thing(["fieldPath"], fieldPath={"enum": ["spec.nodeName"]})),
                ),
            ]
        }
    ),
    ports=some(thing(["containerPort"], containerPort=PORT)),
    resources=thing(["requests", "limits"], requests=AMOUNTS, limits=AMOUNTS),
    securityContext=thing(
        ["allowPrivilegeEscalation", "runAsNonRoot"],
        allowPrivilegeEscalation={"const": False},
        runAsNonRoot={"const": True},
        runAsUser={"type": "integer", "minimum": 1},
    ),
    volumeMounts=some(thing(["name", "mountPath"], name=NAME, mountPath={"type": "string", "pattern": "^/"})),
)
APART = thing(
    ["labelSelector", "topologyKey"],
    labelSelector=thing(["matchLabels"], matchLabels=LABELS),
    topologyKey={"const": "kubernetes.io/hostname"},
)
POD = thing(
    ["restartPolicy", "containers"],
    restartPolicy={"const": "Never"},  # a Job takes that or OnFailure, and a leg is not run again unasked
    automountServiceAccountToken={"const": False},
    terminationGracePeriodSeconds={"type": "integer", "minimum": 0},
    affinity=thing(
        ["podAntiAffinity"],
        podAntiAffinity=thing(
            ["requiredDuringSchedulingIgnoredDuringExecution"],
            requiredDuringSchedulingIgnoredDuringExecution=some(APART),
        ),
    ),
    containers=some(CONTAINER),
    volumes=some(thing(["name", "emptyDir"], name=NAME, emptyDir={"type": "object", "maxProperties": 0})),
)
COUNT = {"type": "integer", "minimum": 1}
JOB = thing(
    ["apiVersion", "kind", "metadata", "spec"],
    apiVersion={"const": "batch/v1"},
    kind={"const": "Job"},
    metadata=thing(["name"], name=NAME),
    spec=thing(
        ["template", "backoffLimit"],
        completionMode={"enum": ["Indexed", "NonIndexed"]},
        completions=COUNT,
        parallelism=COUNT,
        backoffLimit={"const": 0},
        template=thing(["metadata", "spec"], metadata=thing(["labels"], labels=LABELS), spec=POD),
    ),
)
SERVICE = thing(
    ["apiVersion", "kind", "metadata", "spec"],
    apiVersion={"const": "v1"},
    kind={"const": "Service"},
    metadata=thing(["name"], name=NAME),
    spec=thing(
        ["selector", "ports"],
        selector=LABELS,
        ports=some(thing(["port"], name=NAME, port=PORT, targetPort=PORT)),
    ),
)


@pytest.fixture
def documents():
    return list(YAML(typ="safe", pure=True).load_all(FILE.read_text()))


def test_each_document_is_of_its_kind(documents):
    """The fields are those of core/v1 and batch/v1; a misspelt or misplaced one would be dropped or refused there."""
    assert [one["kind"] for one in documents] == ["Service", "Job", "Job"]
    for one in documents:
        jsonschema.validate(one, SERVICE if one["kind"] == "Service" else JOB)


@pytest.mark.parametrize("at", ["completion", "backoffLimits"])
def test_a_field_that_there_is_none_of_is_seen(documents, at):
    documents[2]["spec"][at] = 3
    with pytest.raises(jsonschema.ValidationError, match=at):
        jsonschema.validate(documents[2], JOB)


def test_the_workers_are_what_a_fleet_expects(documents):
    service, scheduler, workers = documents
    labels = scheduler["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"] == labels
    port = service["spec"]["ports"][0]["port"]
    (master,) = scheduler["spec"]["template"]["spec"]["containers"]
    assert str(port) in master["command"]
    template = workers["spec"]["template"]
    (worker,) = template["spec"]["containers"]
    assert f"tcp://{service['metadata']['name']}:{port}" in worker["command"]
    assert f"host={RESOURCE['host']:g}" in worker["command"]
    assert NODE in {one["name"] for one in worker["env"]}
    assert worker["resources"]["requests"] == worker["resources"]["limits"]  # a share that is this pod's own
    (apart,) = template["spec"]["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert apart["labelSelector"]["matchLabels"] == template["metadata"]["labels"]  # one on each node
    assert {one["name"] for one in worker["volumeMounts"]} == {one["name"] for one in template["spec"]["volumes"]}
