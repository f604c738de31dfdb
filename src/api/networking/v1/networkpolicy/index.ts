import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { validateLegacyCIDR, warningsForCIDR } from '../../../../apimachinery/validation/ip.ts';
import { ianaServiceName, portNumberErrors } from '../../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../../apimachinery/validation/object-meta.ts';
import { containsCIDR, parseCIDRSloppy } from '../../../../net/cidr.ts';
import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../../define.ts';
import { validateLabelSelector } from '../../../validation/selectors.ts';
import { optionalOneOf } from '../../../validation/values.ts';
import { selectorCell } from '../../../workload.ts';
import type { IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from '../types.generated.ts';

const { required, forbidden, invalid, notSupported } = fieldError;

/** Blocks that `old` has are let be, wherever they are now: newer versions of the API refuse more of them. */
function validate({ spec }: NetworkPolicy, old?: NetworkPolicy): FieldError[] {
  const { ingress = [], egress = [], policyTypes = [] } = spec ?? {};
  const known = blocksOf(old);
  const types = ['Ingress', 'Egress'];
  const errors = [
    ...validateLabelSelector(spec?.podSelector, 'spec.podSelector'),
    ...ingress.flatMap(({ ports, from }, i) =>
      validateRule({ ports, peers: from }, { path: `spec.ingress[${i}]`, direction: 'from', known }),
    ),
    ...egress.flatMap(({ ports, to }, i) =>
      validateRule({ ports, peers: to }, { path: `spec.egress[${i}]`, direction: 'to', known }),
    ),
  ];
  if (policyTypes.length > types.length) {
    return [...errors, invalid('spec.policyTypes', policyTypes, 'may not specify more than two policyTypes')];
  }
  return [
    ...errors,
    ...policyTypes.flatMap((type, i) =>
      types.includes(type) ? [] : [notSupported(`spec.policyTypes[${i}]`, type, types)],
    ),
  ];
}

function blocksOf(policy: NetworkPolicy | undefined): string[] {
  const { ingress = [], egress = [] } = policy?.spec ?? {};
  const peers = [...ingress.flatMap(({ from }) => from ?? []), ...egress.flatMap(({ to }) => to ?? [])];
  return peers.flatMap(({ ipBlock }) => (ipBlock ? [ipBlock.cidr, ...(ipBlock.except ?? [])] : []));
}

function validateRule(
  rule: { readonly ports: readonly NetworkPolicyPort[] | undefined; readonly peers: NetworkPolicyPeer[] | undefined },
  at: { readonly path: string; readonly direction: 'from' | 'to'; readonly known: readonly string[] },
): FieldError[] {
  const { ports = [], peers = [] } = rule;
  return [
    ...ports.flatMap((port, i) => validatePort(port, `${at.path}.ports[${i}]`)),
    ...peers.flatMap((peer, i) => validatePeer(peer, `${at.path}.${at.direction}[${i}]`, at.known)),
  ];
}

function validatePort({ protocol, port, endPort }: NetworkPolicyPort, path: string): FieldError[] {
  const errors = optionalOneOf(`${path}.protocol`, protocol, ['TCP', 'UDP', 'SCTP']);
  const last = `${path}.endPort`;
  if (port === undefined) {
    return endPort === undefined
      ? errors
      : [...errors, invalid(last, endPort, 'may not be specified when `port` is not specified')];
  }
  if (typeof port === 'string') {
    if (endPort !== undefined) errors.push(invalid(last, endPort, 'may not be specified when `port` is non-numeric'));
    return [...errors, ...nameErrors(ianaServiceName, `${path}.port`, port)];
  }
  errors.push(...portNumberErrors(port).map((message) => invalid(`${path}.port`, port, message)));
  if (endPort === undefined) return errors;
  // Upstream prints the port here, not its end.
  if (endPort < port) errors.push(invalid(last, port, 'must be greater than or equal to `port`'));
  return [...errors, ...portNumberErrors(endPort).map((message) => invalid(last, endPort, message))];
}

function validatePeer(
  { podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer,
  path: string,
  known: readonly string[],
): FieldError[] {
  const errors: FieldError[] = [];
  if (podSelector) errors.push(...validateLabelSelector(podSelector, `${path}.podSelector`));
  if (namespaceSelector) errors.push(...validateLabelSelector(namespaceSelector, `${path}.namespaceSelector`));
  if (ipBlock) errors.push(...validateBlock(ipBlock, `${path}.ipBlock`, known));
  if (!podSelector && !namespaceSelector && !ipBlock) errors.push(required(path, 'must specify a peer'));
  else if (ipBlock && (podSelector || namespaceSelector)) {
    errors.push(forbidden(path, 'may not specify both ipBlock and another peer'));
  }
  return errors;
}

function validateBlock({ cidr, except = [] }: IPBlock, path: string, known: readonly string[]): FieldError[] {
  if (!cidr) return [required(`${path}.cidr`)];
  const errors = validateLegacyCIDR(`${path}.cidr`, cidr, known);
  const whole = parseCIDRSloppy(cidr)?.cidr;
  if (!whole) return errors;
  for (const [i, text] of except.entries()) {
    const field = `${path}.except[${i}]`;
    const wrong = validateLegacyCIDR(field, text, known);
    const part = parseCIDRSloppy(text)?.cidr;
    if (part && !(containsCIDR(whole, part) && part.prefixLength > whole.prefixLength)) {
      wrong.push(invalid(field, text, 'must be a strict subset of `cidr`'));
    }
    errors.push(...wrong);
  }
  return errors;
}

function warnings({ spec }: NetworkPolicy): string[] {
  const { ingress = [], egress = [] } = spec ?? {};
  return [
    ...ingress.flatMap(({ from }, i) => blockWarnings(from, `spec.ingress[${i}].from`)),
    ...egress.flatMap(({ to }, i) => blockWarnings(to, `spec.egress[${i}].to`)),
  ];
}

function blockWarnings(peers: readonly NetworkPolicyPeer[] = [], path: string): string[] {
  return peers.flatMap(({ ipBlock }, i) => {
    if (!ipBlock) return [];
    const at = `${path}[${i}].ipBlock`;
    const except = (ipBlock.except ?? []).flatMap((text, j) => warningsForCIDR(`${at}.except[${j}]`, text));
    return [...warningsForCIDR(`${at}.cidr`, ipBlock.cidr), ...except];
  });
}

export const networkPolicy: Kind<NetworkPolicy> = {
  countsGeneration: true,
  strategy: {
    default({ spec }) {
      if (!spec) return;
      if (!spec.policyTypes?.length) spec.policyTypes = spec.egress?.length ? ['Ingress', 'Egress'] : ['Ingress'];
      for (const port of [...(spec.ingress ?? []), ...(spec.egress ?? [])].flatMap(({ ports }) => ports ?? [])) {
        port.protocol ??= 'TCP';
      }
    },
    validate: (object) => validate(object),
    validateUpdate: (object, old) => validate(object, old),
    warnings,
  },
  columns: [nameColumn, column('Pod-Selector', 'Which Pods it is for.'), ageColumn],
  cells: (object, now) => [object.metadata.name, selectorCell(object.spec?.podSelector), ageCell(object, now)],
};
