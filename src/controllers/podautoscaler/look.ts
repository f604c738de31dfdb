// What one metric of a HorizontalPodAutoscaler asks for, with its name and its place in the status, worded as upstream: pure.
import type {
  CrossVersionObjectReference,
  MetricIdentifier,
  MetricSpec,
  MetricStatus,
  MetricTarget,
  MetricValueStatus,
} from '../../api/autoscaling/v2/types.generated.ts';
import { milliQuantityOf, printQuantity } from '../../apimachinery/quantity.ts';
import { goSelector } from '../../apimachinery/selectors/go-selector.ts';
import { rulesOf } from './behavior.ts';
import type { AutoscalerInput } from './reconcile.ts';
import { proposeByValue, proposeReplicas, type ReplicaProposal, type ValueProposal } from './replica-calculator.ts';

export interface Look {
  /** A text says why there is none. */
  readonly proposal: { readonly replicas: number } | string;
  readonly name: string;
  readonly status?: MetricStatus;
  /** The reason of an Event when there is no proposal. */
  readonly failure: string;
}

export function lookAt(input: AutoscalerInput, spec: Readonly<MetricSpec>): Look {
  const { pods, object, external } = spec;
  if (pods) return lookAtPods(input, spec, pods);
  if (object) return lookAtObject(input, spec, object);
  if (external) return lookAtExternal(input, spec, external);
  return lookAtResource(input, spec);
}

function lookAtResource(input: AutoscalerInput, spec: Readonly<MetricSpec>): Look {
  const source = spec.resource ?? spec.containerResource;
  if (!source) {
    return { proposal: `unknown metric source type "${spec.type}"`, name: '', failure: 'InvalidMetricSourceType' };
  }
  const failure = spec.resource ? 'FailedGetResourceMetric' : 'FailedGetContainerResourceMetric';
  const { name: resource, target } = source;
  const container = spec.containerResource?.container;
  const isUtilization = target.type === 'Utilization';
  const name = `${resource} ${container === undefined ? '' : 'container '}resource${isUtilization ? ' utilization (percentage of request)' : ''}`;
  const metrics = input.metrics.get(resource) ?? 'no metrics returned from resource metrics API';
  const wrap = (why: string) => `failed to get ${resource} ${isUtilization ? 'utilization' : 'usage'}: ${why}`;
  if (typeof metrics === 'string') {
    return { proposal: wrap(`unable to get metrics for resource ${resource}: ${metrics}`), name, failure };
  }
  const facts = { ...replicaFacts(input), resource, target, metrics };
  const proposal = proposeReplicas({ ...facts, ...(container !== undefined && { container }) });
  if (typeof proposal === 'string') return { proposal: wrap(proposal), name, failure };
  const current = {
    ...averageOf(proposal),
    ...(proposal.averageUtilization !== undefined && { averageUtilization: proposal.averageUtilization }),
  };
  const status: MetricStatus =
    container === undefined
      ? { type: spec.type, resource: { name: resource, current } }
      : { type: spec.type, containerResource: { name: resource, container, current } };
  return { proposal, name, status, failure };
}

interface Source {
  readonly metric: MetricIdentifier;
  readonly target: Readonly<MetricTarget>;
}

function lookAtPods(input: AutoscalerInput, spec: Readonly<MetricSpec>, { metric, target }: Source): Look {
  const failure = 'FailedGetPodsMetric';
  const name = `pods metric ${metric.name}`;
  const failed = (why: string): Look => ({ proposal: `failed to get pods metric value: ${why}`, name, failure });
  const answer = input.custom?.get(spec) ?? 'no metrics returned from custom metrics API';
  if (typeof answer === 'string' || !('pods' in answer))
    return failed(`unable to get metric ${metric.name}: ${answer}`);
  const proposal = proposeReplicas({ ...replicaFacts(input), resource: '', target, metrics: answer.pods });
  if (typeof proposal === 'string') return failed(proposal);
  return { proposal, name, status: { type: spec.type, pods: { metric, current: averageOf(proposal) } }, failure };
}

function lookAtObject(
  input: AutoscalerInput,
  spec: Readonly<MetricSpec>,
  { metric, target, describedObject }: Source & { readonly describedObject: CrossVersionObjectReference },
): Look {
  const failure = 'FailedGetObjectMetric';
  const isValue = target.type === 'Value';
  // Upstream calls the other one so, too.
  const name = isValue ? `${describedObject.kind} metric ${metric.name}` : nameOfExternal(metric);
  const value = valueFor(input, spec);
  const { kind, name: object } = describedObject;
  const { namespace = '' } = input.autoscaler.metadata;
  const proposal =
    typeof value === 'string'
      ? `unable to get metric ${metric.name}: ${kind} on ${namespace} ${object}/${value}`
      : proposeByValue({ ...replicaFacts(input), ...input, target, value });
  if (typeof proposal === 'string') {
    const what = isValue ? 'failed to get object metric value' : `failed to get ${metric.name} object metric`;
    return { proposal: `${what}: ${proposal}`, name, failure };
  }
  const status: MetricStatus = { type: spec.type, object: { metric, describedObject, current: currentOf(proposal) } };
  return { proposal, name, status, failure };
}

function lookAtExternal(input: AutoscalerInput, spec: Readonly<MetricSpec>, { metric, target }: Source): Look {
  const failure = 'FailedGetExternalMetric';
  const name = nameOfExternal(metric);
  const value = valueFor(input, spec);
  const { namespace = '' } = input.autoscaler.metadata;
  const proposal =
    typeof value === 'string'
      ? `unable to get external metric ${namespace}/${metric.name}/${goSelector(metric.selector)}: ${value}`
      : proposeByValue({ ...replicaFacts(input), ...input, target, value });
  if (typeof proposal === 'string') {
    const what = target.type === 'Value' ? `external metric ${metric.name}` : `${metric.name} external metric`;
    return { proposal: `failed to get ${what}: ${proposal}`, name, failure };
  }
  const status: MetricStatus = { type: spec.type, external: { metric, current: currentOf(proposal) } };
  return { proposal, name, status, failure };
}

function valueFor({ custom }: AutoscalerInput, spec: Readonly<MetricSpec>): number | string {
  const answer = custom?.get(spec) ?? 'no metrics returned';
  return typeof answer === 'string' ? answer : 'value' in answer ? answer.value : 'no single value returned';
}

function replicaFacts({ autoscaler, current, pods, now }: AutoscalerInput) {
  return { currentReplicas: current, pods, now, tolerance: rulesOf(autoscaler.spec).tolerance };
}

function averageOf({ averageValue }: Pick<ReplicaProposal, 'averageValue'>): MetricValueStatus {
  return { averageValue: printQuantity(milliQuantityOf(averageValue)) };
}

function currentOf({ value, averageValue }: ValueProposal): MetricValueStatus {
  if (averageValue !== undefined) return averageOf({ averageValue });
  return { value: printQuantity(milliQuantityOf(value)) };
}

function nameOfExternal(metric: MetricIdentifier): string {
  return `external metric ${metric.name}(${goSelector(metric.selector)})`;
}
