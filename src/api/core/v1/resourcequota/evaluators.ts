// What objects cost of a quota: one evaluator per resource that quotas know more of than its count.
import { jsonEqual } from '../../../../apimachinery/json/value.ts';
import { type GroupResource, type KubeObject, printResource } from '../../../../apimachinery/object.ts';
import {
  compareQuantities,
  parseQuantity,
  type Quantity,
  quantityOf,
  quantityValue,
} from '../../../../apimachinery/quantity.ts';
import { type Amounts, addAmounts, parseAmounts } from '../../../../apimachinery/resource-list.ts';
import { computeNames, isExtendedResource, isNativeResource } from '../../../validation/quantities.ts';
import { classNameOf } from '../persistentvolume/matching.ts';
import { podLimitsInForce, podRequestsInForce } from '../pod/resources.ts';
import type {
  Container,
  PersistentVolumeClaim,
  Pod,
  ScopedResourceSelectorRequirement,
  Service,
} from '../types.generated.ts';
import { attributesClassesOf, claimMatchesScope, isTerminating, podMatchesScope } from './scopes.ts';

export interface Evaluator {
  /** Whether an update can make an object cost more. */
  readonly countsUpdates: boolean;
  /** Which updates quotas are asked about; absent: all. */
  asksAbout?(object: Readonly<KubeObject>, old: Readonly<KubeObject>): boolean;
  /** Whether an update may bring an object under quotas of other scopes. */
  changesScope?(object: Readonly<KubeObject>, old: Readonly<KubeObject>): boolean;
  /** Those of the names of a quota's limits that objects of this resource count for. */
  matchingResources(names: readonly string[]): string[];
  /** `now` in milliseconds since the epoch: pods past their grace period cost nothing. */
  usage(object: Readonly<KubeObject>, now: number): Amounts;
  matchesScope(selector: ScopedResourceSelectorRequirement, object: Readonly<KubeObject>): boolean;
  /** What the object must say where the quota limits it, and does not: `must specify …`. */
  missing?(required: readonly string[], object: Readonly<KubeObject>): string | undefined;
}

type Claim = Readonly<PersistentVolumeClaim>;

const one = quantityOf(1);

const storageClassSuffix = '.storageclass.storage.k8s.io/';
const claimResources = ['persistentvolumeclaims', 'requests.storage'];
const podResources = new Set(['count/pods', 'pods', ...computeNames]);
/** Upstream's own mistake, kept: whoever limits these makes every container say how much it takes. */
const mustSpecify = ['cpu', 'limits.cpu', 'limits.memory', 'memory', 'requests.cpu', 'requests.memory'];

function isPodResource(name: string): boolean {
  if (podResources.has(name)) return true;
  if (name.startsWith('hugepages-') || name.startsWith('requests.hugepages-')) return true;
  return !isNativeResource(name) && name.startsWith('requests.');
}

const pods: Evaluator = {
  countsUpdates: true,
  // A resize, and a deadline. What a kubelet says of a pod is no question.
  asksAbout: (object, old) => !jsonEqual((object as Readonly<Pod>).spec, (old as Readonly<Pod>).spec),
  changesScope: (object, old) => isTerminating(object as Readonly<Pod>) !== isTerminating(old as Readonly<Pod>),
  matchingResources: (names) => names.filter(isPodResource),
  usage(object, now) {
    const pod = object as Readonly<Pod>;
    const count = { 'count/pods': one };
    if (!isCharged(pod, now)) return count;
    return { ...count, ...computeUsage(podRequestsInForce(pod), podLimitsInForce(pod)) };
  },
  matchesScope: (selector, object) => podMatchesScope(selector, object as Readonly<Pod>),
  missing(required, object) {
    const { spec } = object as Readonly<Pod>;
    // A pod that says as a whole what it takes need not say it of each container.
    const whole = Object.keys({ ...spec?.resources?.requests, ...spec?.resources?.limits });
    if (whole.some((name) => name === 'cpu' || name === 'memory' || name.startsWith('hugepages-'))) return undefined;
    const names = mustSpecify.filter((name) => required.includes(name));
    const without = (name: string): string[] =>
      [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])]
        .filter((container) => !(name in usageOfContainer(container)))
        .map((container) => container.name);
    const parts = names.flatMap((name) => {
      const containers = [...new Set(without(name))].sort();
      return containers.length > 0 ? [`${name} for: ${containers.join(',')}`] : [];
    });
    return parts.length > 0 ? `must specify ${parts.join('; ')}` : undefined;
  },
};

/** Not when it has ended, nor when it should have ended by now. */
function isCharged({ metadata, status }: Readonly<Pod>, now: number): boolean {
  if (status?.phase === 'Failed' || status?.phase === 'Succeeded') return false;
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadata;
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds === undefined) return true;
  return now <= Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000;
}

function usageOfContainer({ resources }: Container): Amounts {
  return computeUsage(parseAmounts(resources?.requests), parseAmounts(resources?.limits));
}

function computeUsage(requests: Amounts, limits: Amounts): Amounts {
  const usage: Record<string, Quantity> = { pods: one };
  for (const [name, amount] of Object.entries(requests)) {
    const isOrdinary = ['cpu', 'memory', 'ephemeral-storage'].includes(name) || name.startsWith('hugepages-');
    if (isOrdinary) usage[name] = amount;
    if (isOrdinary || isExtendedResource(name)) usage[`requests.${name}`] = amount;
  }
  for (const name of ['cpu', 'memory', 'ephemeral-storage']) {
    const limit = limits[name];
    if (limit) usage[`limits.${name}`] = limit;
  }
  return usage;
}

const services: Evaluator = {
  countsUpdates: true,
  matchingResources: (names) =>
    names.filter((name) =>
      ['count/services', 'services', 'services.nodeports', 'services.loadbalancers'].includes(name),
    ),
  usage(object) {
    const { spec } = object as Readonly<Service>;
    const ports = spec?.ports ?? [];
    const isBalanced = spec?.type === 'LoadBalancer';
    const explicit = isBalanced && spec.allocateLoadBalancerNodePorts === false;
    const nodePorts = explicit ? ports.filter(({ nodePort }) => nodePort).length : ports.length;
    return {
      'count/services': one,
      services: one,
      'services.loadbalancers': quantityOf(isBalanced ? 1 : 0),
      'services.nodeports': quantityOf(isBalanced || spec?.type === 'NodePort' ? nodePorts : 0),
    };
  },
  matchesScope: () => false,
};

const claims: Evaluator = {
  countsUpdates: true,
  changesScope: (object, old) => !jsonEqual(attributesClassesOf(object as Claim), attributesClassesOf(old as Claim)),
  matchingResources: (names) =>
    names.filter(
      (name) =>
        name === 'count/persistentvolumeclaims' ||
        claimResources.includes(name) ||
        claimResources.some((resource) => name.endsWith(storageClassSuffix + resource)),
    ),
  usage(object) {
    const claim = object as Claim;
    const usage: Record<string, Quantity> = { persistentvolumeclaims: one, 'count/persistentvolumeclaims': one };
    const className = classNameOf(claim);
    const storage = requestedStorage(claim);
    if (storage) usage['requests.storage'] = storage;
    if (className === '') return usage;
    usage[`${className}${storageClassSuffix}persistentvolumeclaims`] = one;
    if (storage) usage[`${className}${storageClassSuffix}requests.storage`] = storage;
    return usage;
  },
  matchesScope: (selector, object) => claimMatchesScope(selector, object as Claim),
};

/** In whole bytes; what was allocated while a claim shrinks again still counts. */
function requestedStorage({ spec, status }: Claim): Quantity | undefined {
  const text = spec?.resources?.requests?.storage;
  if (text === undefined) return undefined;
  const wanted = parseQuantity(String(text));
  const allocated = status?.allocatedResources?.storage;
  const given = allocated === undefined ? wanted : parseQuantity(String(allocated));
  const most = compareQuantities(given, wanted) > 0 ? given : wanted;
  return { nano: BigInt(quantityValue(most)) * 1_000_000_000n, format: most.format };
}

/** Resources whose bare name is a quota's name for their count. */
const bareNames = new Set(['configmaps', 'secrets', 'replicationcontrollers', 'resourcequotas']);

function countEvaluator({ group, resource }: GroupResource): Evaluator {
  const counted = `count/${printResource({ group, resource })}`;
  const names = group === '' && bareNames.has(resource) ? [counted, resource] : [counted];
  return {
    countsUpdates: false,
    matchingResources: (all) => all.filter((name) => names.includes(name)),
    usage: () => Object.fromEntries(names.map((name) => [name, one])),
    matchesScope: () => false,
  };
}

/** How objects of a resource count; undefined: they never do. */
export function evaluatorOf(resource: GroupResource): Evaluator | undefined {
  if (resource.resource === 'events' && (resource.group === '' || resource.group === 'events.k8s.io')) return undefined;
  if (resource.group === '') {
    if (resource.resource === 'pods') return pods;
    if (resource.resource === 'services') return services;
    if (resource.resource === 'persistentvolumeclaims') return claims;
  }
  return countEvaluator(resource);
}

/** The resource whose objects a quota's name counts: `pods` of `limits.cpu`. Undefined for a name that counts nothing. */
export function resourceCounted(name: string): GroupResource | undefined {
  if (name.startsWith('count/')) {
    const [resource = '', ...group] = name.slice('count/'.length).split('.');
    return { group: group.join('.'), resource };
  }
  if (bareNames.has(name)) return { group: '', resource: name };
  for (const [resource, evaluator] of Object.entries({ pods, services, persistentvolumeclaims: claims })) {
    if (evaluator.matchingResources([name]).length > 0) return { group: '', resource };
  }
  return undefined;
}

/** What all objects together use. */
export function totalUsage(usages: Iterable<Amounts>): Amounts {
  let total: Amounts = {};
  for (const usage of usages) total = addAmounts(total, usage);
  return total;
}
