// A resource may be served in several versions or groups: rules that name one are about the others too (matchPolicy
// Equivalent), and are shown the object in the version that they name.
import type { NamedRuleWithOperations } from '../../api/admissionregistration/v1/types.generated.ts';
import type { ResourceDefinition } from '../../api/resource.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import type { AdmissionRequest, AdmissionView } from './admission.ts';
import { ruleMatches } from './matching.ts';

/** The request as one of the rules sees it: itself, or in a version that a rule names; undefined: no rule is about it. */
export async function requestFor(
  {
    rules,
    matchPolicy,
  }: { readonly rules: readonly NamedRuleWithOperations[]; readonly matchPolicy?: string | undefined },
  request: AdmissionRequest,
  view: AdmissionView,
): Promise<AdmissionRequest | undefined> {
  const isMatched = (candidate: AdmissionRequest) => rules.some((rule) => ruleMatches(rule, candidate));
  if (isMatched(request)) return request;
  if (matchPolicy === 'Exact') return undefined;
  const definition = view.equivalents(request.definition).find((one) => isMatched({ ...request, definition: one }));
  return definition && requestIn(definition, request);
}

async function requestIn(definition: ResourceDefinition, request: AdmissionRequest): Promise<AdmissionRequest> {
  const asRequested = request.asRequested ?? request;
  // The bodies of scale, eviction and the like are the same in all versions.
  if (!isOwnKind(request)) return { ...request, definition, asRequested };
  const [object, old] = await Promise.all([
    converted(request.object, request.definition, definition),
    converted(request.old, request.definition, definition),
  ]);
  const { group, version, kind } = definition;
  return { ...request, definition, kind: { group, version, kind }, object, old, asRequested };
}

function isOwnKind({ kind, definition }: AdmissionRequest): boolean {
  return kind.kind === definition.kind && kind.group === definition.group;
}

/** Takes over into the request what was made of the object in another version of it. */
export async function takeBack(seen: AdmissionRequest, request: AdmissionRequest): Promise<unknown> {
  if (seen === request || !isOwnKind(request)) return seen.object;
  return converted(seen.object, seen.definition, request.definition);
}

/** By way of what is stored, which all versions of a resource share. */
async function converted(
  object: Readonly<KubeObject> | undefined,
  from: ResourceDefinition,
  to: ResourceDefinition,
): Promise<KubeObject | undefined> {
  if (!object) return undefined;
  const copy = structuredClone(object) as KubeObject;
  const stored = (await from.storage?.toStorage?.(copy)) ?? copy;
  const [served] = (await to.storage?.fromStorage?.([stored])) ?? [stored];
  return served;
}
