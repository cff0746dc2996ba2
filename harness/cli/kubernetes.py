"""A reference service as Kubernetes objects: what runs it, what reaches it, and what it may reach.

Every service gets the same; what differs comes from its contract's name. Nothing here holds a secret: objects
refer to Secrets by name. Source: the Kubernetes API reference, and its Pod Security Standard "restricted".
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from harness.contract.model import JSON

USER = 10_001
"""Who runs in the container, by number: the Dockerfile's, which a cluster can see not to be root."""

WRITABLE = "/tmp"  # noqa: S108 - the pod's own, and the only place that it may write to
JWKS_FOLDER, JWKS_FILE = "/etc/portal/jwks", "jwks.json"
KAFKA_FOLDER, KAFKA_FILE = "/etc/portal/kafka", "client.properties"
PEER_FOLDER, PEER_FILE = "/etc/portal/peers", "token"
_PLACES = {"jwks": JWKS_FOLDER, "kafka": KAFKA_FOLDER, "peers": PEER_FOLDER}
_READABLE_BY_GROUP = 0o440


@dataclass(frozen=True, slots=True)
class Need:
    """A server that pods call: a name, which no NetworkPolicy can hold, or an address; and its port."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Setting:
    """What is the same for all services. ``{service}`` in a Secret's name stands for each one's.

    ``arguments`` follow ``portal serve SERVICE``; ``live`` and ``ready`` are paths. ``kafka_secret`` is None
    for a cluster that asks for neither TLS nor a log-in. ``callees``: whom each service calls, by the token
    in ``peer_token``; nobody, if that is None.
    """

    image: str
    port: int
    replicas: int
    arguments: tuple[str, ...]
    needs: tuple[Need, ...]
    database_secret: str
    jwks: str
    live: str
    ready: str
    kafka_secret: str | None = None
    namespace: str | None = None
    peer_token: str | None = None
    callees: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def objects(self, service: str) -> Iterator[JSON]:
        """Everything that a service consists of, in the order in which it is applied."""
        meta: JSON = {"name": service, "labels": _labels(service)}
        if self.namespace is not None:
            meta["namespace"] = self.namespace
        selector = {"matchLabels": _labels(service)}
        account = {"automountServiceAccountToken": False}
        yield {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta, **account}
        yield _object("networking.k8s.io/v1", "NetworkPolicy", meta, self._policy(service))
        yield _object("apps/v1", "Deployment", meta, self._deployment(service))
        ports = [{"name": "http", "port": 80, "targetPort": "http"}]
        yield _object("v1", "Service", meta, {"selector": _labels(service), "ports": ports})
        yield _object("policy/v1", "PodDisruptionBudget", meta, {"minAvailable": 1, "selector": selector})

    def _deployment(self, service: str) -> JSON:
        labels = _labels(service)
        selector = {"matchLabels": labels}
        spread = {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": selector,
        }
        return {
            "replicas": self.replicas,
            "selector": selector,
            "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "serviceAccountName": service,
                    "automountServiceAccountToken": False,
                    # A Service called portal-state would set a variable of ours.
                    "enableServiceLinks": False,
                    "securityContext": {
                        "runAsNonRoot": True,
                        "runAsUser": USER,
                        "runAsGroup": USER,
                        "fsGroup": USER,
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                    "topologySpreadConstraints": [spread],
                    "containers": [self._container(service)],
                    "volumes": self._volumes(service),
                },
            },
        }

    def _container(self, service: str) -> JSON:
        return {
            "name": "portal",
            "image": self.image,
            "args": [_literal(each) for each in ("serve", service, *self.arguments, *self._peers(service))],
            "env": self._environment(service),
            "ports": [{"name": "http", "containerPort": self.port}],
            # Tables are made and migrated before a service answers, one replica waiting for the other.
            "startupProbe": _probe(self.live, every=2, failures=60),
            "livenessProbe": _probe(self.live, every=10, failures=3),
            "readinessProbe": _probe(self.ready, every=5, failures=2),
            "resources": {
                "requests": {"cpu": "100m", "memory": "192Mi", "ephemeral-storage": "16Mi"},
                "limits": {"cpu": "1", "memory": "512Mi", "ephemeral-storage": "128Mi"},
            },
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            },
            "volumeMounts": [
                {"name": "writable", "mountPath": WRITABLE},
                *(
                    {"name": each["name"], "mountPath": _PLACES[each["name"]], "readOnly": True}
                    for each in self._volumes(service)
                    if each["name"] in _PLACES
                ),
            ],
        }

    def _environment(self, service: str) -> list[JSON]:
        """libpq's own variables; what it is not told by the URL it looks up there."""
        secret = _for(service, self.database_secret)
        found: list[JSON] = [
            {"name": variable, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}
            for variable, key in (("PGUSER", "username"), ("PGPASSWORD", "password"))
        ]
        found.append({"name": "PORTAL_STATE", "value": f"{WRITABLE}/portal"})
        if self.kafka_secret is not None:
            found.append({"name": "PORTAL_KAFKA_CONFIG", "value": f"{KAFKA_FOLDER}/{KAFKA_FILE}"})
        return found

    def _volumes(self, service: str) -> list[JSON]:
        volumes: list[JSON] = [
            {"name": "writable", "emptyDir": {"sizeLimit": "64Mi"}},
            {"name": "jwks", "configMap": {"name": self.jwks}},
        ]
        if self.kafka_secret is not None:
            secret = {"secretName": _for(service, self.kafka_secret), "defaultMode": _READABLE_BY_GROUP}
            volumes.append({"name": "kafka", "secret": secret})
        if self._called_by(service):
            token = {"secretName": _for(service, self.peer_token or ""), "defaultMode": _READABLE_BY_GROUP}
            volumes.append({"name": "peers", "secret": token})
        return volumes

    def _called_by(self, service: str) -> tuple[str, ...]:
        return () if self.peer_token is None else self.callees.get(service, ())

    def _peers(self, service: str) -> list[str]:
        """Whom it calls, by their Services."""
        called = self._called_by(service)
        said = [part for each in called for part in ("--peer", f"{each}=http://{each}")]
        return [*said, "--peer-token", f"{PEER_FOLDER}/{PEER_FILE}"] if called else []

    def _policy(self, service: str) -> JSON:
        """In: the port, from wherever. Out: names, and the servers that it needs."""
        dns = [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]
        return {
            "podSelector": {"matchLabels": _labels(service)},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"ports": [{"protocol": "TCP", "port": "http"}]}],
            "egress": [{"ports": dns}, *_ways(self.needs), *self._ways_to_peers(service)],
        }

    def _ways_to_peers(self, service: str) -> list[JSON]:
        ports = [{"protocol": "TCP", "port": "http"}]
        called = self._called_by(service)
        return [{"to": [{"podSelector": {"matchLabels": _labels(each)}}], "ports": ports} for each in called]


def _object(version: str, kind: str, meta: JSON, spec: JSON) -> JSON:
    return {"apiVersion": version, "kind": kind, "metadata": meta, "spec": spec}


def _labels(service: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": service, "app.kubernetes.io/part-of": "portal"}


def _probe(path: str, *, every: int, failures: int) -> JSON:
    where = {"path": path, "port": "http"}
    return {"httpGet": where, "periodSeconds": every, "timeoutSeconds": 3, "failureThreshold": failures}


def _ways(needs: Sequence[Need]) -> Iterator[JSON]:
    for each in dict.fromkeys(needs):
        way: JSON = {"ports": [{"protocol": "TCP", "port": each.port}]}
        try:
            address = ipaddress.ip_address(each.host)
        except ValueError:
            yield way
        else:
            yield {"to": [{"ipBlock": {"cidr": f"{address}/{address.max_prefixlen}"}}], **way}


def _for(service: str, name: str) -> str:
    return name.replace("{service}", service)


def _literal(argument: str) -> str:
    """Kubernetes puts variables in the place of ``$(NAME)``; with two dollars it does not."""
    return argument.replace("$(", "$$(")
