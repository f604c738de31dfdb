// The two phases of admission around a write: what plugins are told of it.

import { andThen, type Later } from '../../apimachinery/later.ts';
import { decodeManagers } from '../../apimachinery/managedfields/managers.ts';
import { apiVersionOf, type GroupVersionKind, type KubeObject } from '../../apimachinery/object.ts';
import { isOn } from '../../apimachinery/query.ts';
import { table } from '../../apimachinery/table.ts';
import type { AdmissionRequest } from '../admission/admission.ts';
import type { ResourceRequest } from './resource-request.ts';

export interface WriteAdmission {
  /** First phase: plugins may change the object. */
  admit(object: KubeObject, old?: Readonly<KubeObject>): Later<void>;
  /** Second phase: plugins may refuse. Throws too where nobody waits for the write any more. */
  validate(object: KubeObject, old?: Readonly<KubeObject>): Later<void>;
}

export interface WriteAdmissionOptions {
  readonly dryRun: boolean;
  /** Of the body; default: the resource's own. */
  readonly kind?: GroupVersionKind;
  /** Default: the URL's. */
  readonly name?: string;
}

const metaVersion = 'meta.k8s.io/v1';

/** Of a CREATE, or of an UPDATE where there is an old object: a patch that creates is a CREATE. */
export function writeAdmission(request: ResourceRequest, options: WriteAdmissionOptions): WriteAdmission {
  const { admission } = request.parts;
  const common = commonAttributes(request, options);
  const attributes = (object: KubeObject, old: Readonly<KubeObject> | undefined): AdmissionRequest => ({
    ...common,
    operation: old ? 'UPDATE' : 'CREATE',
    name: options.name ?? (request.info.name || (object.metadata.name ?? '')),
    pathName: request.info.name,
    object,
    old,
    options: writeOptions(request, old ? 'UpdateOptions' : 'CreateOptions'),
  });
  return {
    admit(object, old) {
      const { managedFields } = object.metadata;
      return andThen(admission.admit(attributes(object, old)), () => {
        if (object.metadata.managedFields !== managedFields) checkManagers(object, managedFields, request);
      });
    },
    validate: (object, old) =>
      andThen(admission.validate(attributes(object, old)), () => request.deadline?.throwIfAborted()),
  };
}

/** What a plugin makes of managedFields must be read again: else they are as they were, and the client is told. */
function checkManagers(
  { metadata }: KubeObject,
  before: KubeObject['metadata']['managedFields'],
  { warnings }: ResourceRequest,
): void {
  const managers = decodeManagers(metadata.managedFields);
  if (!('error' in managers)) return;
  if (before === undefined) delete metadata.managedFields;
  else metadata.managedFields = before;
  warnings.add(
    `.metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating admission controller; please fix your requests: ${managers.error}`,
  );
}

function commonAttributes(request: ResourceRequest, { dryRun, kind }: WriteAdmissionOptions) {
  const { definition, info, user, warnings, auditAnnotations } = request;
  const { namespace, subresource } = info;
  const own = kind ?? definition;
  return { definition, subresource, namespace, user, warnings, auditAnnotations, dryRun, kind: own };
}

/** Where the client gives none. */
const noOptions = {
  CreateOptions: { kind: 'CreateOptions', apiVersion: metaVersion },
  UpdateOptions: { kind: 'UpdateOptions', apiVersion: metaVersion },
} as const;

/** As the client gave them in the query. */
function writeOptions({ request }: ResourceRequest, kind: keyof typeof noOptions): Readonly<Record<string, unknown>> {
  const { query } = request;
  if (query.size === 0) return noOptions[kind];
  const dryRun = query.getAll('dryRun').filter((value) => value !== '');
  const fieldManager = query.get('fieldManager');
  const fieldValidation = query.get('fieldValidation');
  return {
    kind,
    apiVersion: metaVersion,
    ...(dryRun.length > 0 && { dryRun }),
    ...(fieldManager && { fieldManager }),
    ...(fieldValidation && { fieldValidation }),
  };
}

/** Both phases of a DELETE of one object. */
export async function admitDelete(
  request: ResourceRequest,
  old: Readonly<KubeObject>,
  given: { readonly dryRun: boolean; readonly options: Readonly<Record<string, unknown>> },
): Promise<void> {
  const { admission } = request.parts;
  const attributes: AdmissionRequest = {
    ...commonAttributes(request, given),
    operation: 'DELETE',
    namespace: old.metadata.namespace ?? '',
    name: old.metadata.name,
    isCollection: request.info.name === '',
    object: undefined,
    old,
    options: { kind: 'DeleteOptions', apiVersion: metaVersion, ...given.options },
  };
  await admission.admit(attributes);
  await admission.validate(attributes);
  request.deadline?.throwIfAborted();
}

/** What a CONNECT asks for, as an object of the kind of its options. */
const connectFields = table<{ readonly kind: string; readonly flags?: readonly string[] }>({
  'pods/exec': { kind: 'PodExecOptions', flags: ['stdin', 'stdout', 'stderr', 'tty'] },
  'pods/attach': { kind: 'PodAttachOptions', flags: ['stdin', 'stdout', 'stderr', 'tty'] },
  'pods/portforward': { kind: 'PodPortForwardOptions' },
  'pods/proxy': { kind: 'PodProxyOptions' },
  'services/proxy': { kind: 'ServiceProxyOptions' },
  'nodes/proxy': { kind: 'NodeProxyOptions' },
});

/** Both phases of a CONNECT; requests for other subresources (logs) are reads, and are not admitted. */
export async function admitConnect(request: ResourceRequest): Promise<void> {
  const { info, parts, request: incoming } = request;
  const asked = connectFields[`${info.resource}/${info.subresource}`];
  if (!asked || info.group !== '') return;
  const { query } = incoming;
  const kind = { group: '', version: 'v1', kind: asked.kind };
  const ports = query.getAll('ports').map(Number);
  const command = query.getAll('command');
  const container = query.get('container');
  const object = {
    kind: asked.kind,
    apiVersion: apiVersionOf(kind),
    ...Object.fromEntries((asked.flags ?? []).filter((name) => isOn(query.get(name))).map((name) => [name, true])),
    ...(asked.flags && container && { container }),
    ...(asked.kind === 'PodExecOptions' && command.length > 0 && { command }),
    ...(asked.kind === 'PodPortForwardOptions' && ports.length > 0 && { ports }),
    ...(asked.kind.endsWith('ProxyOptions') && info.rest.length > 0 && { path: `/${info.rest.join('/')}` }),
  };
  const attributes: AdmissionRequest = {
    ...commonAttributes(request, { dryRun: false, kind }),
    operation: 'CONNECT',
    name: info.name,
    // The kinds of options have no metadata.
    object: object as unknown as KubeObject,
    old: undefined,
    options: undefined,
  };
  await parts.admission.admit(attributes);
  await parts.admission.validate(attributes);
}
