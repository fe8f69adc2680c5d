"""The reference WVA's own objects, of both of its generations: definitions, and the samples that its users have."""

from copy import deepcopy
from typing import Any

import yaml

from tests.kubernetes.fleet_kit import LLAMA

Body = dict[str, Any]

FEBRUARY = """
apiVersion: llmd.ai/v1alpha1
kind: VariantAutoscaling
metadata:
  name: {name}
  labels:
    inference.optimization/acceleratorName: A100
spec:
  scaleTargetRef:
    kind: Deployment
    name: {name}
  modelID: {model}
  variantCost: "10.0"
"""

FEBRUARY_HPA = """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {name}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {name}
  minReplicas: 1
  maxReplicas: 10
  behavior:
    scaleUp:
      stabilizationWindowSeconds: 240
      selectPolicy: Max
      policies:
      - {{type: Pods, value: 10, periodSeconds: 150}}
    scaleDown:
      stabilizationWindowSeconds: 240
      selectPolicy: Max
      policies:
      - {{type: Pods, value: 10, periodSeconds: 150}}
  metrics:
  - type: External
    external:
      metric:
        name: wva_desired_replicas
        selector:
          matchLabels:
            variant_name: {name}
            exported_namespace: {namespace}
      target:
        type: AverageValue
        averageValue: "1"
"""

FEBRUARY_SCALED_OBJECT = """
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: {name}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {name}
  minReplicaCount: 1
  maxReplicaCount: 10
  pollingInterval: 5
  cooldownPeriod: 30
  fallback:
    failureThreshold: 3
    replicas: 2
    behavior: currentReplicasIfHigher
  triggers:
  - type: prometheus
    metadata:
      serverAddress: https://prometheus.monitoring:9090
      query: wva_desired_replicas{{variant_name="{name}",exported_namespace="{namespace}"}}
      threshold: "1"
      activationThreshold: "0"
      metricType: Value
      unsafeSsl: "true"
"""

AUGUST_HPA = """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {name}
  annotations:
    llm-d.ai/managed: "true"
    llm-d.ai/model-id: {model}
    llm-d.ai/variant-cost: "40.0"
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {name}
  maxReplicas: 10
  behavior:
    scaleUp:
      stabilizationWindowSeconds: 0
      policies:
      - {{type: Pods, value: 10, periodSeconds: 15}}
    scaleDown:
      stabilizationWindowSeconds: 0
      policies:
      - {{type: Pods, value: 10, periodSeconds: 15}}
  metrics:
  - type: External
    external:
      metric:
        name: wva_desired_replicas
        selector:
          matchLabels:
            variant_name: {name}
            exported_namespace: {namespace}
      target:
        type: AverageValue
        averageValue: "1"
"""

AUGUST_SCALED_OBJECT = """
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: {name}
  annotations:
    llm-d.ai/managed: "true"
    llm-d.ai/model-id: {model}
spec:
  scaleTargetRef:
    name: {name}
  minReplicaCount: 0
  maxReplicaCount: 10
  pollingInterval: 5
  cooldownPeriod: 30
  triggers:
  - type: prometheus
    name: wva-desired-replicas
    metadata:
      serverAddress: https://prometheus.monitoring:9090
      query: wva_desired_replicas{{variant_name="{name}",exported_namespace="{namespace}"}}
      threshold: "1"
      activationThreshold: "0"
"""


def sample(text: str, name: str, namespace: str) -> Body:
    """One of the samples for a Deployment of that name; an HPA in the version that Kubernetes 1.20 serves."""
    body: Body = yaml.safe_load(text.format(name=name, namespace=namespace, model=LLAMA))
    if body["kind"] == "HorizontalPodAutoscaler":
        body["apiVersion"] = "autoscaling/v2beta2"
    return body


def query(follower: Body) -> str:
    """What a follower asks Prometheus for: KEDA by its query, an HPA through the adapter by its selector."""
    if follower["kind"] == "ScaledObject":
        return str(follower["spec"]["triggers"][0]["metadata"]["query"])
    metric = follower["spec"]["metrics"][0]["external"]["metric"]
    labels = ",".join(f'{name}="{value}"' for name, value in metric["selector"]["matchLabels"].items())
    return f"{metric['name']}{{{labels}}}"


def definition(spring: bool) -> Body:
    """The CustomResourceDefinition of February, or the one of March to June with bounds."""
    found = deepcopy(_DEFINITION)
    if spring:
        schema = found["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
        schema["spec"]["properties"] |= {
            "minReplicas": {"type": "integer", "format": "int32", "minimum": 0},
            "maxReplicas": {"type": "integer", "format": "int32", "minimum": 1},
        }
        allocation = schema["status"]["properties"]["desiredOptimizedAlloc"]
        allocation["required"] = []
        allocation["properties"]["numReplicas"]["format"] = "int32"
    return found


_DEFINITION: Body = yaml.safe_load(r"""
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: variantautoscalings.llmd.ai
  annotations:
    controller-gen.kubebuilder.io/version: v0.19.0
spec:
  group: llmd.ai
  names:
    kind: VariantAutoscaling
    listKind: VariantAutoscalingList
    plural: variantautoscalings
    shortNames: [va]
    singular: variantautoscaling
  scope: Namespaced
  versions:
  - name: v1alpha1
    served: true
    storage: true
    subresources: {status: {}}
    additionalPrinterColumns:
    - {name: Target, type: string, jsonPath: .spec.scaleTargetRef.name}
    - {name: Model, type: string, jsonPath: .spec.modelID}
    - {name: Optimized, type: string, jsonPath: .status.desiredOptimizedAlloc.numReplicas}
    - {name: MetricsReady, type: string, jsonPath: '.status.conditions[?(@.type=="MetricsAvailable")].status'}
    - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
    schema:
      openAPIV3Schema:
        description: VariantAutoscaling is the Schema for the variantautoscalings API.
        type: object
        properties:
          apiVersion: {type: string}
          kind: {type: string}
          metadata: {type: object}
          spec:
            type: object
            required: [scaleTargetRef, modelID]
            properties:
              scaleTargetRef:
                type: object
                required: [kind, name]
                properties:
                  apiVersion: {type: string}
                  kind: {type: string}
                  name: {type: string}
                x-kubernetes-map-type: atomic
              modelID: {type: string, minLength: 1}
              variantCost: {type: string, default: "10.0", pattern: '^\d+(\.\d+)?$'}
          status:
            type: object
            properties:
              desiredOptimizedAlloc:
                type: object
                required: [accelerator, numReplicas]
                properties:
                  lastRunTime: {type: string, format: date-time}
                  accelerator: {type: string, minLength: 2}
                  numReplicas: {type: integer, minimum: 0}
              actuation:
                type: object
                properties:
                  applied: {type: boolean}
              conditions:
                type: array
                x-kubernetes-list-type: map
                x-kubernetes-list-map-keys: [type]
                items:
                  type: object
                  required: [lastTransitionTime, message, reason, status, type]
                  properties:
                    lastTransitionTime: {type: string, format: date-time}
                    message: {type: string, maxLength: 32768}
                    observedGeneration: {type: integer, format: int64, minimum: 0}
                    reason:
                      type: string
                      minLength: 1
                      maxLength: 1024
                      pattern: '^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$'
                    status: {type: string, enum: ["True", "False", "Unknown"]}
                    type: {type: string, maxLength: 316}
""")
