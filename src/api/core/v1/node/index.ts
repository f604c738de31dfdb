import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { validateCIDR } from '../../../../apimachinery/validation/ip.ts';
import { labelValueRule, qualifiedName } from '../../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../../apimachinery/validation/object-meta.ts';
import { parseCIDR } from '../../../../net/cidr.ts';
import { ageCell, ageColumn, column, deepEqual, type Kind, nameColumn } from '../../../define.ts';
import { validateResourceQuantity } from '../../../validation/quantities.ts';
import { canonicalizeQuantities } from '../pod/defaults.ts';
import { validateTaintEffect } from '../pod/scheduling.ts';
import type { Node } from '../types.generated.ts';

const { required, forbidden, invalid, duplicate } = fieldError;
const rolePrefix = 'node-role.kubernetes.io/';

function defaultNode(object: Node): void {
  object.spec ??= {};
  const { spec, status } = object;
  if (spec.podCIDR && !spec.podCIDRs?.length) spec.podCIDRs = [spec.podCIDR];
  else if (spec.podCIDRs?.length) spec.podCIDR = spec.podCIDRs[0]!;
  if (!status) return;
  for (const amounts of [status.capacity, status.allocatable]) canonicalizeQuantities(amounts);
  // A node promises what it has, unless it says how much less.
  if (status.capacity) status.allocatable ??= { ...status.capacity };
}

function validate({ spec }: Node): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [i, { key, value, effect }] of (spec.taints ?? []).entries()) {
    // Upstream names them as if they were part of metadata.
    const at = `metadata.taints[${i}]`;
    errors.push(...nameErrors(qualifiedName, `${at}.key`, key ?? ''));
    const wrong = labelValueRule(value ?? '');
    if (wrong.length > 0) errors.push(invalid(`${at}.value`, value, wrong.join(';')));
    if (!effect) errors.push(required(`${at}.effect`));
    else errors.push(...validateTaintEffect(`${at}.effect`, effect));
    if (seen.has(`${key}:${effect}`))
      errors.push({ ...duplicate(at, { key, value, effect }), detail: 'taints must be unique by key and effect pair' });
    seen.add(`${key}:${effect}`);
  }
  const cidrs = spec.podCIDRs ?? [];
  if (cidrs.length > 2)
    errors.push(invalid('spec.podCIDRs', cidrs, 'may specify no more than one CIDR for each IP family'));
  for (const [i, cidr] of cidrs.entries()) errors.push(...validateCIDR(`spec.podCIDRs[${i}]`, cidr));
  if (cidrs.length === 2 && parseCIDR(cidrs[0]!)?.family === parseCIDR(cidrs[1]!)?.family) {
    errors.push(invalid('spec.podCIDRs', cidrs, 'may specify no more than one CIDR for each IP family'));
  }
  return errors;
}

function validateStatus({ status }: Node): FieldError[] {
  const amounts = (list: 'capacity' | 'allocatable'): FieldError[] =>
    Object.entries(status?.[list] ?? {}).flatMap(([name, amount]) =>
      validateResourceQuantity(`status.${list}.${name}`, name, amount),
    );
  const addresses = status?.addresses ?? [];
  const again = addresses.flatMap(({ type, address }, i) =>
    addresses.findIndex((other) => other.type === type && other.address === address) < i
      ? [duplicate(`status.addresses[${i}]`, { Type: type, Address: address })]
      : [],
  );
  return [...amounts('capacity'), ...amounts('allocatable'), ...again];
}

function validateUpdate(object: Node, old: Node): FieldError[] {
  const errors = [...validate(object), ...validateStatus(object)];
  if (old.spec.podCIDRs?.length && !deepEqual(object.spec.podCIDRs, old.spec.podCIDRs)) {
    const why = 'node updates may not change podCIDR except from "" to valid';
    errors.push(forbidden('spec.podCIDRs', why));
  }
  if (old.spec.providerID && object.spec.providerID !== old.spec.providerID) {
    errors.push(forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid'));
  }
  return errors;
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
    validate: (object) => [...validate(object), ...validateStatus(object)],
    validateUpdate,
    validateStatusUpdate: validateUpdate,
    // Renamed labels are no matter of those who touch a node: kubelets set both names.
    warnings: ({ spec }) => [
      ...(spec.configSource ? ['spec.configSource: the feature is no longer supported'] : []),
      ...(spec.externalID ? ['spec.externalID: this field is deprecated, and is unused by Kubernetes'] : []),
    ],
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
