// TokenRequests: what may be asked of a service account's token, and the answer.

import type { TokenRequest } from '../../api/authentication/v1/types.generated.ts';
import type { Pod, ServiceAccount } from '../../api/core/v1/types.generated.ts';
import { type KubeObject, parseApiVersion } from '../../apimachinery/object.ts';
import { badRequest, conflict, invalid, notFound, type StatusError } from '../../apimachinery/status.ts';
import { table } from '../../apimachinery/table.ts';
import { formatTime } from '../../apimachinery/time.ts';
import { fieldError } from '../../apimachinery/validation/field-error.ts';
import type { Clock } from '../../system/clock.ts';
import type { VirtualHandler } from '../extensions.ts';
import type { ObjectView } from '../object-view.ts';
import { type ObjectReference, serviceAccountIssuer } from './service-account-token.ts';
import type { IssueRequest, ServiceAccounts } from './service-accounts.ts';

export interface TokenRequestParts {
  readonly issuer: Pick<ServiceAccounts, 'issue'>;
  readonly view: ObjectView;
  readonly clock: Clock;
}

const core = (resource: string) => ({ group: '', resource });
const kind = { group: 'authentication.k8s.io', kind: 'TokenRequest' };
const minimumSeconds = 600;
const maximumSeconds = 2 ** 32;
/** What the admission of pods asks for; such a token stays good while its pod does, for clients that read it only once. */
const warnOnlySeconds = 3607;

/** `serviceaccounts/token`: answers a TokenRequest for the account that the path names. */
export function tokenRequest({ issuer, view, clock }: TokenRequestParts): VirtualHandler {
  return async (object, { info }) => {
    const request = object as unknown as TokenRequest;
    await view.caughtUp();
    const account = view.get<ServiceAccount & KubeObject>(core('serviceaccounts'), info.namespace, info.name);
    if (request.metadata?.name && request.metadata.name !== info.name)
      throw wrongName(request.metadata.name, info.name);
    if (!account) throw notFound(core('serviceaccounts'), info.name);
    checkUID(request.metadata?.uid, account);
    const seconds = request.spec?.expirationSeconds ?? 3600;
    checkExpiration(seconds);
    const audiences = request.spec?.audiences?.length ? request.spec.audiences : [serviceAccountIssuer];
    const bound = boundObjects(request, account, view);
    const isUsual = seconds === warnOnlySeconds && audiences.every((one) => one === serviceAccountIssuer);
    const { token, expiresAt } = issuer.issue({
      namespace: info.namespace,
      serviceAccount: referenceTo(account),
      audiences,
      expirationSeconds: seconds,
      isExtended: isUsual && bound.pod !== undefined,
      ...bound,
    });
    const { name, namespace, uid } = account.metadata;
    return {
      kind: 'TokenRequest',
      apiVersion: 'authentication.k8s.io/v1',
      metadata: {
        ...request.metadata,
        name,
        ...(namespace && { namespace }),
        ...(uid && { uid }),
        creationTimestamp: formatTime(clock.now()),
      },
      spec: {
        ...request.spec,
        audiences,
        expirationSeconds: seconds,
        boundObjectRef: request.spec?.boundObjectRef ?? null,
      },
      status: { token, expirationTimestamp: new Date(expiresAt).toISOString().replace('.000Z', 'Z') },
    } as KubeObject;
  };
}

function boundObjects(
  { spec }: TokenRequest,
  account: Readonly<ServiceAccount & KubeObject>,
  view: ObjectView,
): Pick<IssueRequest, 'pod' | 'node' | 'secret'> {
  const bound = spec?.boundObjectRef;
  if (!bound) return {};
  const kinds = table<string>({ Pod: 'pods', Secret: 'secrets', Node: 'nodes' });
  const { group, version } = parseApiVersion(bound.apiVersion ?? '');
  // Whatever the version: upstream looks at the group alone.
  const resource = group === '' ? kinds[bound.kind ?? ''] : undefined;
  if (!resource) {
    throw badRequest(`cannot bind token to object of type ${group}/${version}, Kind=${bound.kind ?? ''}`);
  }
  const name = bound.name ?? '';
  const namespace = resource === 'nodes' ? '' : (account.metadata.namespace ?? '');
  const object = view.get(core(resource), namespace, name);
  if (!object) throw notFound(core(resource), name);
  if (bound.uid && bound.uid !== object.metadata.uid) {
    const why = `the UID in the bound object reference (${bound.uid}) does not match the UID in record. The object might have been deleted and then recreated`;
    throw conflict({ group: '', resource: bound.kind ?? '' }, name, why);
  }
  if (resource !== 'pods') return { [resource.slice(0, -1)]: referenceTo(object) };
  const { spec: podSpec } = object as Readonly<Pod & KubeObject>;
  if (podSpec?.serviceAccountName !== account.metadata.name) {
    throw badRequest(
      `cannot bind token for serviceaccount "${account.metadata.name}" to pod running with different serviceaccount name.`,
    );
  }
  const node = podSpec.nodeName ? view.get(core('nodes'), '', podSpec.nodeName) : undefined;
  return { pod: referenceTo(object), ...(node && { node: referenceTo(node) }) };
}

function referenceTo({ metadata }: Readonly<KubeObject>): ObjectReference {
  return { name: metadata.name, uid: metadata.uid ?? '' };
}

function wrongName(given: string, name: string): StatusError {
  return invalid(kind, name, [
    fieldError.invalid('metadata.name', given, 'must match the service account name if specified'),
  ]);
}

function checkUID(given: string | undefined, { metadata: { name, uid } }: Readonly<KubeObject>): void {
  if (!given || given === uid) return;
  const why = `the UID in the token request (${given}) does not match the UID of the service account (${uid})`;
  throw conflict({ group: kind.group, resource: kind.kind }, name, why);
}

function checkExpiration(seconds: number): void {
  const why =
    seconds < minimumSeconds
      ? 'may not specify a duration less than 10 minutes'
      : seconds > maximumSeconds
        ? 'may not specify a duration larger than 2^32 seconds'
        : undefined;
  if (why === undefined) return;
  // Upstream names nobody here.
  throw invalid(kind, '', [fieldError.invalid('spec.expirationSeconds', seconds, why)]);
}
