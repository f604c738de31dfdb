// Which policies and bindings a request is for, and the parameters of a binding.
import type { MatchResources, ParamKind, ParamRef } from '../../../api/admissionregistration/v1/types.generated.ts';
import type { ResourceDefinition } from '../../../api/resource.ts';
import { apiVersionOf, type KubeObject, parseApiVersion } from '../../../apimachinery/object.ts';
import { labelSelectorOf, matchesLabels } from '../../../apimachinery/selectors/label-selector.ts';
import type { AdmissionRequest, AdmissionView } from '../admission.ts';
import { requestFor } from '../equivalent.ts';
import { matchesNamespace, matchesObject } from '../matching.ts';

/** The request as the constraints see it; no rules, as bindings may have, are rules for everything. */
export async function matchedRequest(
  resources: MatchResources | undefined,
  request: AdmissionRequest,
  view: AdmissionView,
): Promise<AdmissionRequest | undefined> {
  if (!resources) return request;
  const {
    matchPolicy,
    resourceRules: rules = [],
    excludeResourceRules = [],
    namespaceSelector,
    objectSelector,
  } = resources;
  if (await requestFor({ rules: excludeResourceRules, matchPolicy }, request, view)) return undefined;
  const seen = rules.length === 0 ? request : await requestFor({ rules, matchPolicy }, request, view);
  if (!seen || !matchesNamespace(namespaceSelector, seen, view)) return undefined;
  return matchesObject(objectSelector, seen) ? seen : undefined;
}

/** A policy or binding that cannot be put to use; the message is upstream's. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}

/** The resource of a policy's parameters, or that there is none of that kind; undefined where it has no parameters. */
export function paramDefinitionOf(
  paramKind: ParamKind | undefined,
  view: AdmissionView,
): ResourceDefinition | ConfigurationError | undefined {
  if (!paramKind) return undefined;
  const { apiVersion = '', kind = '' } = paramKind;
  const { group, version } = parseApiVersion(apiVersion);
  const definition = view.definitionOf({ group, version, kind });
  if (definition) return definition;
  const gvk = `${group}/${version}, Kind=${kind}`;
  return new ConfigurationError(`failed to find resource referenced by paramKind: '${gvk}'`);
}

export interface ParamsRequest {
  readonly definition: ResourceDefinition | undefined;
  readonly paramRef: ParamRef | undefined;
  readonly request: AdmissionRequest;
  readonly view: AdmissionView;
}

/** What stands for `params`, one evaluation each; `[undefined]` where the policy has none. Throws a ConfigurationError. */
export function collectParams(options: ParamsRequest): readonly (Readonly<KubeObject> | null | undefined)[] {
  const { definition, paramRef, request, view } = options;
  if (!definition) return [undefined];
  if (!paramRef) return [null];
  const namespace = paramsNamespace(paramRef, definition.namespaced, request);
  const all = view.allOf(definition, namespace);
  const found = all
    .filter((object) => isReferred(object, paramRef))
    .map((object) => ({ ...object, kind: definition.kind, apiVersion: apiVersionOf(definition) }) as KubeObject);
  if (found.length > 0 || paramRef.parameterNotFoundAction === 'Allow') return found;
  throw new ConfigurationError('no params found for policy binding with `Deny` parameterNotFoundAction');
}

function paramsNamespace({ namespace }: ParamRef, isNamespaced: boolean, request: AdmissionRequest): string {
  if (!isNamespaced) {
    if (!namespace) return '';
    throw new ConfigurationError('paramRef.namespace must not be provided for a cluster-scoped `paramKind`');
  }
  const found = namespace || (request.definition.namespaced ? request.namespace : '');
  if (found !== '') return found;
  throw new ConfigurationError(
    'cannot use namespaced paramRef in policy binding that matches cluster-scoped resources',
  );
}

function isReferred({ metadata }: Readonly<KubeObject>, { name, selector }: ParamRef): boolean {
  if (name) return metadata.name === name;
  const parsed = labelSelectorOf(selector);
  return parsed !== undefined && matchesLabels(parsed, metadata.labels ?? {});
}
