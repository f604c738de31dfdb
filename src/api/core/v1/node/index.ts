import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../../define.ts';
import { canonicalizeQuantities } from '../pod/defaults.ts';
import type { Node } from '../types.generated.ts';
import { validateNode, validateNodeUpdate } from './validation.ts';

const rolePrefix = 'node-role.kubernetes.io/';

function defaultNode(object: Node): void {
  object.spec ??= {};
  const { spec, status } = object;
  // Where the two differ the older field counts: its clients may not know the other.
  if (spec.podCIDR && spec.podCIDR !== spec.podCIDRs?.[0]) spec.podCIDRs = [spec.podCIDR];
  else if (spec.podCIDRs?.length) spec.podCIDR = spec.podCIDRs[0]!;
  if (!status) return;
  for (const amounts of [status.capacity, status.allocatable]) canonicalizeQuantities(amounts);
  // A node promises what it has, unless it says how much less.
  if (status.capacity) status.allocatable ??= { ...status.capacity };
}

/** Kubelets no longer take their configuration from the API. */
function dropConfigSource({ spec, status }: Node): void {
  delete spec.configSource;
  if (status) delete status.config;
}

function nodeStatus({ status, spec }: Node): string {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  const text = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady';
  return spec.unschedulable ? `${text},SchedulingDisabled` : text;
}

function roles({ metadata }: Node): string {
  const names = Object.entries(metadata.labels ?? {}).flatMap(([key, value]) => {
    if (key.startsWith(rolePrefix)) return key.slice(rolePrefix.length) || [];
    return key === 'kubernetes.io/role' && value !== '' ? value : [];
  });
  return [...new Set(names)].sort().join(',') || '<none>';
}

function cells(object: Node, now: number): unknown[] {
  const { metadata, status } = object;
  const info = status?.nodeInfo;
  const address = (type: string): string => status?.addresses?.find((a) => a.type === type)?.address || '<none>';
  const kernel = info?.kernelVersion || '<unknown>';
  return [
    metadata.name,
    nodeStatus(object),
    roles(object),
    ageCell(object, now),
    info?.kubeletVersion ?? '',
    address('InternalIP'),
    address('ExternalIP'),
    info?.osImage || '<unknown>',
    info?.architecture ? `${kernel} (${info.architecture})` : kernel,
    info?.containerRuntimeVersion || '<unknown>',
  ];
}

const wide = { priority: 1 } as const;

export const node: Kind<Node> = {
  // A kubelet registers its node with its status.
  keepsStatusOnCreate: true,
  strategy: {
    default: defaultNode,
    prepareForCreate: dropConfigSource,
    prepareForUpdate: dropConfigSource,
    validate: validateNode,
    // Upstream judges a changed node as a new one too, and tells twice what both look at.
    validateUpdate: (object, old) => [...validateNode(object), ...validateNodeUpdate(object, old)],
    validateStatusUpdate: validateNodeUpdate,
    // Renamed labels are no matter of those who touch a node: kubelets set both names.
    warnings: ({ spec }) =>
      spec.externalID ? ['spec.externalID: this field is deprecated, and is unused by Kubernetes'] : [],
  },
  selectableFields: { 'spec.unschedulable': ({ spec }) => String(spec.unschedulable === true) },
  columns: [
    nameColumn,
    column('Status', 'Whether Pods can run there, and whether new ones may.'),
    column('Roles', 'From the labels node-role.kubernetes.io/….'),
    ageColumn,
    column('Version', 'Of the kubelet.'),
    column('Internal-IP', 'The address inside the cluster.', wide),
    column('External-IP', 'The address outside.', wide),
    column('OS-Image', 'The operating system.', wide),
    column('Kernel-Version', 'The kernel.', wide),
    column('Container-Runtime', 'What runs the containers.', wide),
  ],
  cells,
};
