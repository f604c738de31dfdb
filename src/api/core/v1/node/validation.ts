// What the API server refuses in a Node, in upstream's words and order.
import { quoted } from '../../../../apimachinery/json/go-text.ts';
import { JsonSyntaxError, parseJson } from '../../../../apimachinery/json/parse.ts';
import { isObject } from '../../../../apimachinery/json/value.ts';
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { validateLegacyCIDR } from '../../../../apimachinery/validation/ip.ts';
import { labelValueRule, qualifiedName } from '../../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../../apimachinery/validation/object-meta.ts';
import { parseCIDRSloppy } from '../../../../net/cidr.ts';
import { validateResourceQuantity } from '../../../validation/quantities.ts';
import { positiveMessage } from '../../../validation/values.ts';
import { validateTaintEffect } from '../pod/scheduling.ts';
import type { Node, Taint } from '../types.generated.ts';

const { required, forbidden, invalid, duplicate } = fieldError;

const annotationsPath = 'metadata.annotations';
const taintsAnnotation = 'scheduler.alpha.kubernetes.io/taints';
const avoidPodsAnnotation = 'scheduler.alpha.kubernetes.io/preferAvoidPods';

export function validateNode(node: Node): FieldError[] {
  return [
    ...validateAnnotations(node),
    // Upstream names them as if they were part of metadata.
    ...validateTaints(node.spec.taints ?? [], 'metadata.taints'),
    ...validateAmounts(node),
    ...validateSwap(node),
    ...validateDeclaredFeatures(node),
    ...validatePodCIDRs(node.spec.podCIDRs ?? [], 'spec.podCIDRs'),
  ];
}

/** What a change must keep; also of a change of the status. */
export function validateNodeUpdate(node: Node, old: Node): FieldError[] {
  const { spec } = node;
  const errors = [
    ...validateAnnotations(node),
    ...validateAmounts(node),
    ...validateDeclaredFeatures(node),
    ...validateAddresses(node),
  ];
  const [cidrs, before] = [spec.podCIDRs ?? [], old.spec.podCIDRs ?? []];
  const changed = before.length === cidrs.length ? before.filter((cidr, i) => cidr !== cidrs[i]) : before.slice(0, 1);
  const whyCIDR = 'node updates may not change podCIDR except from "" to valid';
  errors.push(...changed.map(() => forbidden('spec.podCIDRs', whyCIDR)));
  if (old.spec.providerID && spec.providerID !== old.spec.providerID) {
    errors.push(forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid'));
  }
  errors.push(...validateTaints(spec.taints ?? [], 'metadata.taints'));
  if ((spec.externalID ?? '') !== (old.spec.externalID ?? '')) {
    errors.push(forbidden('spec.externalID', 'may not be updated'));
  }
  return errors;
}

function validateTaints(taints: readonly Taint[], path: string): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [i, { key = '', value = '', effect = '', timeAdded }] of taints.entries()) {
    const at = `${path}[${i}]`;
    errors.push(...nameErrors(qualifiedName, `${at}.key`, key));
    const wrong = labelValueRule(value);
    if (wrong.length > 0) errors.push(invalid(`${at}.value`, value, wrong.join(';')));
    errors.push(...(effect ? validateTaintEffect(`${at}.effect`, effect) : [required(`${at}.effect`)]));
    if (seen.has(`${key}:${effect}`)) {
      // Upstream prints its internal type, with the fields' Go names.
      const printed = { Key: key, Value: value, Effect: effect, TimeAdded: timeAdded ?? null };
      errors.push({ ...duplicate(at, printed), detail: 'taints must be unique by key and effect pair' });
    }
    seen.add(`${key}:${effect}`);
  }
  return errors;
}

function validatePodCIDRs(cidrs: readonly string[], path: string): FieldError[] {
  const errors = cidrs.flatMap((cidr, i) => validateLegacyCIDR(`${path}[${i}]`, cidr));
  if (cidrs.length < 2) return errors;
  const families = cidrs.map((cidr) => parseCIDRSloppy(cidr)?.cidr.family);
  const unread = families.indexOf(undefined);
  if (unread >= 0) {
    const why = `invalid PodCIDRs. failed to check with dual stack with error:invalid CIDR[${unread}]: <nil> (invalid CIDR address: ${cidrs[unread]})`;
    errors.push({ type: 'InternalError', field: path, detail: why });
  }
  if (cidrs.length > 2 || unread >= 0 || new Set(families).size < 2) {
    errors.push(invalid(path, cidrs, 'may specify no more than one CIDR for each IP family'));
  }
  const again = cidrs.flatMap((cidr, i) => (cidrs.indexOf(cidr) < i ? [duplicate(`${path}[${i}]`, cidr)] : []));
  return [...errors, ...again];
}

function validateAmounts({ status }: Node): FieldError[] {
  return (['capacity', 'allocatable'] as const).flatMap((list) =>
    Object.entries(status?.[list] ?? {}).flatMap(([name, amount]) =>
      validateResourceQuantity(`status.${list}.${name}`, name, amount),
    ),
  );
}

/** Upstream names it as if it were part of metadata. */
function validateSwap({ status }: Node): FieldError[] {
  const capacity = status?.nodeInfo?.swap?.capacity;
  if (capacity === undefined || capacity > 0) return [];
  return [invalid('metadata.nodeSwapStatus.capacity', capacity, positiveMessage)];
}

const featureName = /^[A-Z][a-zA-Z0-9]*(\/[a-zA-Z][a-zA-Z0-9]*)*$/;
const maxFeatureName = 253;

/** What the kubelet can do (KEP-5328): each once, in order. */
function validateDeclaredFeatures({ status }: Node): FieldError[] {
  const features = status?.declaredFeatures ?? [];
  return features.flatMap((feature, i) => {
    const [at, next] = [`status.declaredFeatures[${i + 1}]`, features[i + 1]];
    const wrong = featureNameError(feature);
    const errors = wrong === undefined ? [] : [invalid(`status.declaredFeatures[${i}]`, feature, wrong)];
    if (next === undefined || next > feature) return errors;
    const why = 'list must be sorted alphabetically';
    return [...errors, next === feature ? duplicate(at, next) : invalid(at, next, why)];
  });
}

function featureNameError(name: string): string | undefined {
  const start = `invalid feature name ${quoted(name)}`;
  if (Buffer.byteLength(name) > maxFeatureName) return `${start}: must be no more than ${maxFeatureName} characters`;
  if (featureName.test(name)) return undefined;
  return `${start}: must start with an UpperCamelCase segment, with subsequent segments separated by '/' (e.g., MyFeature or MyFeature/mySubFeature), and contain only alphanumeric characters and slashes`;
}

function validateAddresses({ status }: Node): FieldError[] {
  const addresses = status?.addresses ?? [];
  return addresses.flatMap(({ type, address }, i) =>
    addresses.findIndex((other) => other.type === type && other.address === address) < i
      ? [duplicate(`status.addresses[${i}]`, { Type: type, Address: address })]
      : [],
  );
}

/** Two annotations of old carry lists as JSON. */
function validateAnnotations({ metadata: { annotations = {} } }: Node): FieldError[] {
  const errors: FieldError[] = [];
  const taints = readJson(annotations[taintsAnnotation]);
  if (taints.why !== undefined) errors.push(invalid(annotationsPath, taintsAnnotation, taints.why));
  else if (Array.isArray(taints.value)) {
    errors.push(
      ...validateTaints(taints.value.filter(isObject) as unknown as Taint[], `${annotationsPath}.${taintsAnnotation}`),
    );
  }
  const avoid = readJson(annotations[avoidPodsAnnotation]);
  if (avoid.why !== undefined) errors.push(invalid(`${annotationsPath}.AvoidPods`, avoidPodsAnnotation, avoid.why));
  else if (isObject(avoid.value) && Array.isArray(avoid.value.preferAvoidPods)) {
    errors.push(...avoid.value.preferAvoidPods.flatMap(validateAvoidPods));
  }
  return errors;
}

function readJson(text = ''): { readonly value?: unknown; readonly why?: string } {
  if (text === '') return {};
  try {
    return { value: parseJson(text).value };
  } catch (error) {
    if (error instanceof JsonSyntaxError) return { why: error.message };
    throw error;
  }
}

function validateAvoidPods(entry: unknown, i: number): FieldError[] {
  const path = `${annotationsPath}.${avoidPodsAnnotation}[${i}].PodSignature`;
  const signature = isObject(entry) ? entry.podSignature : undefined;
  const controller = isObject(signature) ? signature.podController : undefined;
  if (!isObject(controller)) return [required(path)];
  if (controller.controller === true) return [];
  return [invalid(`${path}.PodController.Controller`, false, 'must point to a controller')];
}
