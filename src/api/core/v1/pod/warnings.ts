// What a Pod's author should know though nothing is refused: what no longer has an effect, and what hides something.

import { quoted } from '../../../../apimachinery/json/go-text.ts';
import type { ObjectMeta } from '../../../../apimachinery/meta/v1.generated.ts';
import { printQuantity, quantityMilliValue } from '../../../../apimachinery/quantity.ts';
import { warningsForIP } from '../../../../apimachinery/validation/ip.ts';
import { dns1123Label, labelValueRule } from '../../../../apimachinery/validation/names.ts';
import { amountOf } from '../../../validation/quantities.ts';
import { repetitions } from '../../../validation/values.ts';
import { nodeLabelWarning, nodeSelectorTermWarnings } from '../node/labels.ts';
import { claimSpecWarnings } from '../persistentvolumeclaim/warnings.ts';
import type { Container, ContainerPort, NodeSelectorTerm, Pod, PodAffinity, PodSpec } from '../types.generated.ts';
import { appArmorPrefix } from './annotations.ts';
import { overlapWarnings } from './overlaps.ts';
import { containersWithPaths } from './scope.ts';

const deprecatedAnnotations = {
  'scheduler.alpha.kubernetes.io/critical-pod': 'non-functional in v1.16+; use the "priorityClassName" field instead',
  'security.alpha.kubernetes.io/sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
  'security.alpha.kubernetes.io/unsafe-sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
};

const deprecatedVolumes = {
  photonPersistentDisk: 'deprecated in v1.11, non-functional in v1.16+',
  gitRepo: 'deprecated in v1.11, and disabled by default in v1.33+',
  scaleIO: 'deprecated in v1.16, non-functional in v1.22+',
  flocker: 'deprecated in v1.22, non-functional in v1.25+',
  storageos: 'deprecated in v1.22, non-functional in v1.25+',
  quobyte: 'deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+',
  cephfs: 'deprecated in v1.28, non-functional in v1.31+',
  rbd: 'deprecated in v1.28, non-functional in v1.31+',
} as const;

/** `path` of a template; empty for a Pod itself. */
export function podWarnings(
  spec: PodSpec | undefined,
  metadata: Pick<ObjectMeta, 'annotations'> | undefined,
  path: string,
): string[] {
  if (!spec) return [];
  const at = path === '' ? '' : `${path}.`;
  const annotations = metadata?.annotations ?? {};
  return [
    ...schedulingWarnings(spec, `${at}spec`),
    ...Object.entries(deprecatedAnnotations)
      .filter(([key]) => annotations[key] !== undefined)
      .map(([key, why]) => `${at}metadata.annotations[${key}]: ${why}`),
    ...volumeWarnings(spec, `${at}spec.volumes`),
    ...overlapWarnings(spec),
    ...listWarnings(spec, `${at}spec`),
    ...profileWarnings(spec, annotations, { path, at: `${at}metadata.annotations` }),
    ...containersWithPaths(spec, `${at}spec`).flatMap(({ container, path: to }) =>
      containerWarnings(container as Container, to),
    ),
    ...portWarnings(spec, `${at}spec`),
    ...portNameWarnings(spec, `${at}spec`),
    ...graceWarnings(spec, `${at}spec`),
    ...affinityWarnings(spec, `${at}spec.affinity`),
    ...addressWarnings(spec, `${at}spec`),
  ];
}

function schedulingWarnings(spec: PodSpec, path: string): string[] {
  const affinity = spec.affinity?.nodeAffinity;
  const at = `${path}.affinity.nodeAffinity`;
  const needed = affinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const wished = affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  const spread = spec.topologySpreadConstraints ?? [];
  return [
    ...Object.keys(spec.nodeSelector ?? {}).flatMap((key) => {
      const why = nodeLabelWarning(key);
      return why ? [`${path}.nodeSelector[${key}]: ${why}`] : [];
    }),
    ...needed.flatMap((term, i) => {
      const to = `${at}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[${i}]`;
      return nodeSelectorTermWarnings(term, to);
    }),
    ...wished.flatMap(({ preference }, i) => {
      const to = `${at}.preferredDuringSchedulingIgnoredDuringExecution[${i}].preference`;
      return [...nodeSelectorTermWarnings(preference, to), ...valueWarnings(preference, to)];
    }),
    ...spread.flatMap(({ topologyKey, labelSelector }, i) => {
      const to = `${path}.topologySpreadConstraints[${i}]`;
      const why = nodeLabelWarning(topologyKey);
      return [
        ...(why ? [`${to}.topologyKey: ${topologyKey} is ${why}`] : []),
        ...(labelSelector ? [] : [`${to}.labelSelector: a null labelSelector results in matching no pod`]),
      ];
    }),
  ];
}

function volumeWarnings({ volumes = [] }: PodSpec, path: string): string[] {
  return volumes.flatMap((volume, i) => [
    ...Object.entries(deprecatedVolumes)
      .filter(([source]) => volume[source as keyof typeof deprecatedVolumes] !== undefined)
      .map(([source, why]) => `${path}[${i}].${source === 'storageos' ? 'storageOS' : source}: ${why}`),
    ...claimSpecWarnings(
      volume.ephemeral?.volumeClaimTemplate?.spec,
      `${path}[${i}].ephemeral.volumeClaimTemplate.spec`,
    ),
  ]);
}

function listWarnings({ hostAliases = [], imagePullSecrets = [], overhead }: PodSpec, path: string): string[] {
  const ips = hostAliases.map(({ ip }) => ip);
  const names = imagePullSecrets.map(({ name = '' }) => name);
  return [
    ...[...repetitions(ips)].map((i) => `${path}.hostAliases[${i}].ip: duplicate ip "${ips[i]}"`),
    ...[...repetitions(names)].map((i) => `${path}.imagePullSecrets[${i}].name: duplicate name "${names[i]}"`),
    ...names.flatMap((name, i) => (name === '' ? [`${path}.imagePullSecrets[${i}].name: invalid empty name ""`] : [])),
    ...fractionWarnings(overhead, `${path}.overhead`),
  ];
}

/** There is no part of a byte. */
function fractionWarnings(amounts: Readonly<Record<string, string>> | undefined, path: string): string[] {
  return ['memory', 'ephemeral-storage'].flatMap((name) => {
    const amount = amountOf(amounts?.[name]);
    if (!amount || quantityMilliValue(amount) % 1000 === 0) return [];
    return [`${path}[${name}]: fractional byte value "${printQuantity(amount)}" is invalid, must be an integer`];
  });
}

interface ProfilePlace {
  /** Of a template; a Pod's own AppArmor annotations become fields instead. */
  readonly path: string;
  readonly at: string;
}

function profileWarnings(
  spec: PodSpec,
  annotations: Readonly<Record<string, string>>,
  { path, at }: ProfilePlace,
): string[] {
  const seccomp = 'seccomp.security.alpha.kubernetes.io/pod';
  const gone = 'non-functional in v1.27+; use the "seccompProfile" field instead';
  const warnings: string[] = [];
  if (annotations[seccomp] !== undefined && !spec.securityContext?.seccompProfile) {
    warnings.push(`${at}[${seccomp}]: ${gone}`);
  }
  for (const { container } of containersWithPaths(spec, '')) {
    const own = `container.seccomp.security.alpha.kubernetes.io/${container.name}`;
    if (annotations[own] !== undefined && !container.securityContext?.seccompProfile) {
      warnings.push(`${at}[${own}]: ${gone}`);
    }
    const key = appArmorPrefix + container.name;
    const field = spec.securityContext?.appArmorProfile ?? container.securityContext?.appArmorProfile;
    if (path !== '' && annotations[key] !== undefined && !field) {
      warnings.push(`${at}[${key}]: deprecated since v1.30; use the "appArmorProfile" field instead`);
    }
  }
  return warnings;
}

function containerWarnings({ resources, env = [] }: Container, path: string): string[] {
  const warnings = (['limits', 'requests'] as const).flatMap((list) =>
    fractionWarnings(resources?.[list], `${path}.resources.${list}`),
  );
  const names = new Set<string>();
  for (const [i, { name, value = '', valueFrom }] of env.entries()) {
    const reference = `$(${name})`;
    // `X=$(X)more` builds on the earlier value; everything else replaces it.
    const builds = !valueFrom && value.includes(reference) && value !== reference;
    if (names.has(name) && !builds) {
      warnings.push(`${path}.env[${i}]: hides previous definition of "${name}", which may be dropped when using apply`);
    }
    names.add(name);
  }
  return warnings;
}

function portWarnings(spec: PodSpec, path: string): string[] {
  const seen = new Map<string, { field: string; port: ContainerPort }[]>();
  const warnings: string[] = [];
  for (const { container, path: to } of containersWithPaths(spec, path)) {
    for (const [i, port] of (container.ports ?? []).entries()) {
      const field = `${to}.ports[${i}]`;
      const { name = '', hostPort = 0, containerPort, protocol = '', hostIP = '' } = port;
      if (hostIP && !hostPort) {
        const printed = `{Name:${name} HostPort:0 ContainerPort:${containerPort} Protocol:${protocol} HostIP:${hostIP}}`;
        warnings.push(`${field}: hostIP set without hostPort: ${printed}`);
      }
      const key = `${containerPort}/${protocol}`;
      const others = seen.get(key) ?? [];
      warnings.push(...others.flatMap((other) => portConflict(field, port, other)));
      seen.set(key, [...others, { field, port }]);
    }
  }
  return warnings;
}

function portConflict(field: string, port: ContainerPort, other: { field: string; port: ContainerPort }): string[] {
  const [own, its] = [port, other.port].map(({ hostPort = 0, hostIP = '' }) => ({ hostPort, hostIP }));
  if (!own || !its) return [];
  if (own.hostPort === its.hostPort && own.hostIP === its.hostIP) {
    return [`${field}: duplicate port definition with ${other.field}`];
  }
  if (own.hostPort === 0 || its.hostPort === 0) return [`${field}: overlapping port definition with ${other.field}`];
  const isAmbiguous = own.hostPort === its.hostPort && (own.hostIP === '' || its.hostIP === '');
  return isAmbiguous ? [`${field}: dangerously ambiguous port definition with ${other.field}`] : [];
}

function graceWarnings({ terminationGracePeriodSeconds: seconds }: PodSpec, path: string): string[] {
  if (seconds === undefined || seconds >= 0) return [];
  return [`${path}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`];
}

/** Without a selector a term is about no Pod at all. */
function affinityWarnings({ affinity }: PodSpec, path: string): string[] {
  const warn = ({ preferredDuringSchedulingIgnoredDuringExecution: wished = [], ...rest }: PodAffinity, at: string) => {
    const needed = rest.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    const terms = [
      ...needed.map((term, i) => ({ term, to: `requiredDuringSchedulingIgnoredDuringExecution[${i}]` })),
      ...wished.map(({ podAffinityTerm: term }, i) => ({
        term,
        to: `preferredDuringSchedulingIgnoredDuringExecution[${i}].podAffinityTerm`,
      })),
    ];
    return terms
      .filter(({ term }) => !term?.labelSelector)
      .map(({ to }) => `${at}.${to}.labelSelector: a null labelSelector results in matching no pod`);
  };
  return (['podAffinity', 'podAntiAffinity'] as const).flatMap((kind) =>
    warn(affinity?.[kind] ?? {}, `${path}.${kind}`),
  );
}

/** A Pod's name becomes its host's, which has no dots. */
export function hostnameWarnings(name: string): string[] {
  const wrong = dns1123Label(name);
  if (wrong.length === 0) return [];
  const why = "this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended";
  return [`metadata.name: ${why}: [${wrong.join(' ')}]`];
}

/** What a node is asked to have but no label can be: a preference may say so, to no effect. */
function valueWarnings({ matchExpressions = [] }: NodeSelectorTerm, path: string): string[] {
  return matchExpressions.flatMap(({ values = [] }, i) =>
    values.flatMap((value, j) =>
      labelValueRule(value).map((why) => `${path}.matchExpressions[${i}].values[${j}]: ${value} is invalid, ${why}`),
    ),
  );
}

/** Of containers that run side by side: who looks for a port by its name finds the first. */
function portNameWarnings(spec: PodSpec, path: string): string[] {
  const sidecars = (spec.initContainers ?? []).map((container, i) => ({
    container,
    at: `${path}.initContainers[${i}]`,
  }));
  const regular = (spec.containers ?? []).map((container, i) => ({ container, at: `${path}.containers[${i}]` }));
  const seen = new Map<string, string>();
  return [...sidecars.filter(({ container }) => container.restartPolicy === 'Always'), ...regular].flatMap(
    ({ container, at }) =>
      (container.ports ?? []).flatMap(({ name }, i) => {
        if (!name) return [];
        const [field, first] = [`${at}.ports[${i}]`, seen.get(name)];
        if (first === undefined) seen.set(name, field);
        if (first === undefined) return [];
        const why = `services and probes that select ports by name will use ${first}`;
        return [`${field}: duplicate port name ${quoted(name)} with ${first}, ${why}`];
      }),
  );
}

/** What a kubelet tells of the Pod's addresses. */
export function podStatusWarnings({ status }: Pod): string[] {
  return (['podIPs', 'hostIPs'] as const).flatMap((list) =>
    (status?.[list] ?? []).flatMap(({ ip }, i) => warningsForIP(`status.${list}[${i}].ip`, ip)),
  );
}

function addressWarnings({ dnsConfig, hostAliases = [] }: PodSpec, path: string): string[] {
  const nameservers = dnsConfig?.nameservers ?? [];
  return [
    ...nameservers.flatMap((ip, i) => warningsForIP(`${path}.dnsConfig.nameservers[${i}]`, ip)),
    ...hostAliases.flatMap(({ ip }, i) => warningsForIP(`${path}.hostAliases[${i}].ip`, ip)),
  ];
}
