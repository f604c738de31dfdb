// The Common Expression Language in admission: the variables that match conditions and policies see, with their types and
// values. Loaded when the first expression is met.

import type { KubeObject } from '../../apimachinery/object.ts';
import { type CompileOptions, compileExpression, type Program } from '../../cel/compile.ts';
import {
  type Authorize,
  type AuthorizerQuestion,
  authorizerValue,
  resourceCheckValue,
} from '../../cel/functions/authorizer.ts';
import type { Bindings } from '../../cel/run.ts';
import {
  bool,
  type CelType,
  dyn,
  int,
  listOf,
  mapOf,
  type ObjectType,
  objectType,
  opaque,
  printRuntimeType,
  string,
  timestamp,
} from '../../cel/types.ts';
import { fromJson, type Value } from '../../cel/values.ts';
import type { User } from '../request.ts';
import type { RequestInfo } from '../request-info.ts';
import type { AdmissionRequest, AdmissionView } from './admission.ts';
import { decisionOf } from './pending-decisions.ts';
import { requestJson } from './review.ts';

const kindType = objectType('kubernetes.GroupVersionKind', { group: string, version: string, kind: string });
const resourceType = objectType('kubernetes.GroupVersionResource', {
  group: string,
  version: string,
  resource: string,
});
const requestType = objectType('kubernetes.AdmissionRequest', {
  kind: kindType,
  resource: resourceType,
  subResource: string,
  requestKind: kindType,
  requestResource: resourceType,
  requestSubResource: string,
  name: string,
  namespace: string,
  operation: string,
  userInfo: objectType('kubernetes.UserInfo', {
    username: string,
    uid: string,
    groups: listOf(string),
    extra: mapOf(string, listOf(string)),
  }),
  dryRun: bool,
  options: dyn,
});
const namespaceType = objectType('kubernetes.Namespace', {
  metadata: objectType('kubernetes.NamespaceMetadata', {
    name: string,
    generateName: string,
    namespace: string,
    labels: mapOf(string, string),
    annotations: mapOf(string, string),
    UID: string,
    creationTimestamp: timestamp,
    deletionGracePeriodSeconds: int,
    deletionTimestamp: timestamp,
    generation: int,
    resourceVersion: string,
    finalizers: listOf(string),
  }),
  spec: objectType('kubernetes.NamespaceSpec', { finalizers: listOf(string) }),
  status: objectType('kubernetes.NamespaceStatus', {
    conditions: listOf(
      objectType('kubernetes.NamespaceCondition', {
        status: string,
        type: string,
        lastTransitionTime: timestamp,
        message: string,
        reason: string,
      }),
    ),
    phase: string,
  }),
});

export interface ExpressionScope {
  readonly hasParams?: boolean;
  readonly hasAuthorizer?: boolean;
  /** The types of `variables.x`. */
  readonly variables?: Readonly<Record<string, CelType>>;
  readonly structs?: (name: string) => ObjectType | undefined;
  /** The type of `object` and `oldObject`; default: known at run time only. */
  readonly objectType?: CelType;
}

function compileOptions(scope: ExpressionScope): CompileOptions {
  const { hasParams = false, hasAuthorizer = true, variables, structs, objectType: type = dyn } = scope;
  return {
    variables: {
      object: type,
      oldObject: type,
      request: requestType,
      namespaceObject: namespaceType,
      ...(hasParams && { params: dyn }),
      ...(hasAuthorizer && {
        authorizer: opaque('kubernetes.authorization.Authorizer'),
        'authorizer.requestResource': opaque('kubernetes.authorization.ResourceCheck'),
      }),
      ...(variables && { variables: objectType('kubernetes.variables', variables) }),
      ...Object.fromEntries(Object.entries(variables ?? {}).map(([name, one]) => [`variables.${name}`, one])),
    },
    ...(structs && { structs }),
  };
}

export interface CompiledExpression {
  readonly program?: Program;
  /** As validation tells it: `compilation failed: ERROR: <input>:1:1: …`. */
  readonly error?: string;
  /** The expression is right, and yet no program can be made of it. */
  readonly isInternal?: boolean;
}

/** `results` are the types that the expression may have; none: any. */
export function compileAdmission(
  source: string,
  scope: ExpressionScope,
  results: readonly CelType[] = [],
): CompiledExpression {
  const { program, errors, stage } = compileExpression(source, compileOptions(scope));
  if (!program) return { error: `${stage} failed: ${errors}`, isInternal: stage !== 'compilation' };
  const given = printRuntimeType(program.resultType);
  const wanted = results.map(printRuntimeType);
  if (wanted.length > 0 && !wanted.includes(given)) {
    const allowed = wanted.length === 1 ? wanted[0] : `one of [${wanted.join(' ')}]`;
    return { error: `must evaluate to ${allowed} but got ${given}` };
  }
  return { program };
}

export interface BindingOptions {
  /** Undefined: there are none; null: the parameter is missing and that is allowed. */
  readonly params?: Readonly<KubeObject> | null | undefined;
}

/** The values that one request gives to the variables. */
export function admissionBindings(
  request: AdmissionRequest,
  view: AdmissionView,
  { params }: BindingOptions = {},
): Bindings {
  const { object, old, definition, namespace, subresource } = request;
  const json = (value: unknown) => () => fromJson(value ?? null);
  const authorize = authorizeWith(request, view);
  const namespaceObject = definition.namespaced ? view.find<KubeObject>('namespaces', { name: namespace }) : undefined;
  const about = { group: definition.group, resource: definition.resource, subresource, namespace, name: request.name };
  return {
    object: json(object),
    oldObject: json(old),
    request: () => fromJson(requestJson(request), requestType),
    namespaceObject: () => (namespaceObject ? fromJson(namespaceObject, namespaceType) : null) as Value,
    ...(params !== undefined && { params: json(params) }),
    authorizer: () => authorizerValue(authorize),
    'authorizer.requestResource': () => resourceCheckValue(authorize, about),
  };
}

/** What match conditions see: no namespace, and the resource as it was asked for. */
export function conditionBindings(request: AdmissionRequest, view: AdmissionView, options?: BindingOptions): Bindings {
  const about = () => {
    const json = requestJson(request);
    return fromJson({ ...json, resource: json.requestResource }, requestType);
  };
  return { ...admissionBindings(request, view, options), request: about, namespaceObject: null };
}

function authorizeWith(request: AdmissionRequest, { authorizer }: AdmissionView): Authorize {
  return (question) => {
    const { serviceAccount, verb, fieldSelector, labelSelector } = question;
    const user = serviceAccount ? serviceAccountUser(serviceAccount) : request.user;
    const attributes = { user, verb, info: infoOf(question), fieldSelector, labelSelector };
    const { allowed, reason, error } = decisionOf(request, keyOf(question), { authorizer, attributes });
    return { allowed, ...(reason !== undefined && { reason }), ...(error !== undefined && { error }) };
  };
}

/** Questions carry more than they ask: how to go on. */
function keyOf(question: AuthorizerQuestion): string {
  const { serviceAccount, path, group, resource, subresource, namespace, name, verb } = question;
  const { fieldSelector, labelSelector } = question;
  const about = [serviceAccount, path, group, resource, subresource, namespace, name, verb];
  return JSON.stringify([...about, fieldSelector, labelSelector]);
}

function serviceAccountUser({ namespace, name }: { readonly namespace: string; readonly name: string }): User {
  const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'];
  return { name: `system:serviceaccount:${namespace}:${name}`, groups };
}

function infoOf(question: AuthorizerQuestion): RequestInfo {
  const { path, group = '', resource = '', subresource = '', namespace = '', name = '', verb } = question;
  const isResource = path === undefined;
  return { isResource, verb, path: path ?? '', group, version: '*', resource, subresource, namespace, name, rest: [] };
}
