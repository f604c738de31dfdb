// One Event of the audit log (audit.k8s.io/v1), and what of a request and its answer goes into it.

import type { UserInfo } from '../../api/authentication/v1/types.generated.ts';
import { isObject } from '../../apimachinery/json/value.ts';
import { withoutManagedFields } from '../../apimachinery/managedfields/record-update.ts';
import type { Status } from '../../apimachinery/meta/v1.generated.ts';
import { formatIP, parseIPSloppy } from '../../net/ip.ts';
import type { ApiRequest } from '../request.ts';
import type { RequestInfo } from '../request-info.ts';
import type { AuditLevel, AuditStage } from './policy.ts';

export interface ObjectReference {
  resource?: string;
  namespace?: string;
  name?: string;
  uid?: string;
  apiGroup?: string;
  apiVersion?: string;
  resourceVersion?: string;
  subresource?: string;
}

export interface AuditEvent {
  readonly kind: 'Event';
  readonly apiVersion: 'audit.k8s.io/v1';
  readonly level: AuditLevel;
  readonly auditID: string;
  readonly stage: AuditStage;
  readonly requestURI: string;
  readonly verb: string;
  readonly user: UserInfo;
  readonly impersonatedUser?: UserInfo;
  readonly authenticationMetadata?: { readonly impersonationConstraint: string };
  readonly sourceIPs?: readonly string[];
  readonly userAgent?: string;
  readonly objectRef?: ObjectReference;
  readonly responseStatus?: Status & { readonly code: number };
  readonly requestObject?: unknown;
  readonly responseObject?: unknown;
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Where a request comes from, the first sender first; what proxies add is believed as little as upstream does. */
export function sourceIPs({ headers, remoteAddress }: ApiRequest): string[] {
  const forwarded = headers['x-forwarded-for']?.split(',') ?? [];
  const ips = forwarded.map((text) => addressOf(text.trim())).filter((ip) => ip !== undefined);
  const real = addressOf(headers['x-real-ip']);
  if (real !== undefined && !ips.includes(real)) ips.push(real);
  const remote = addressOf(remoteAddress);
  if (remote !== undefined && ips.at(-1) !== remote) ips.push(remote);
  return ips;
}

/** As Go writes it; undefined for what is none. */
function addressOf(text: string | undefined): string | undefined {
  const parsed = text ? parseIPSloppy(text) : undefined;
  return parsed && formatIP(parsed.ip);
}

const longestUserAgent = 1024;

/** As the client calls itself; what is longer than anybody needs is cut. */
export function userAgent({ headers }: ApiRequest): string | undefined {
  const agent = headers['user-agent'];
  return agent && agent.length > longestUserAgent ? `${agent.slice(0, longestUserAgent)}...TRUNCATED` : agent;
}

/** The object that a path names; undefined for paths that are no resource. */
export function referenceOf(info: RequestInfo): ObjectReference | undefined {
  if (!info.isResource) return undefined;
  const { resource, namespace, name, group, version, subresource } = info;
  return {
    resource,
    ...(namespace && { namespace }),
    ...(name && { name }),
    ...(group && { apiGroup: group }),
    apiVersion: version,
    ...(subresource && { subresource }),
  };
}

interface Meta {
  readonly metadata?: {
    readonly name?: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
  };
}

/** A reference with what the path leaves open taken from the object that was sent. */
export function completeReference(reference: ObjectReference, object: unknown): ObjectReference {
  const { metadata = {} } = (object ?? {}) as Meta;
  const complete = { ...reference };
  for (const key of ['namespace', 'name', 'uid', 'resourceVersion'] as const) {
    const value = metadata[key];
    if (complete[key] === undefined && typeof value === 'string' && value !== '') complete[key] = value;
  }
  return complete;
}

/** The object without metadata.managedFields, and a list's items without theirs. */
export function withoutAnyManagedFields(object: unknown): unknown {
  const bare = withoutManagedFields(object);
  return isObject(bare) && Array.isArray(bare.items)
    ? { ...bare, items: bare.items.map(withoutAnyManagedFields) }
    : bare;
}

/** What an answer says of itself: the Status it is, or its code. */
export function responseStatus(code: number, body: unknown): Status & { readonly code: number } {
  if (!isObject(body) || body.kind !== 'Status' || body.apiVersion !== 'v1') return { metadata: {}, code };
  const { status, message, reason, details } = body as Status;
  return {
    metadata: {},
    ...(status && { status }),
    ...(message && { message }),
    ...(reason && { reason }),
    ...(details && { details }),
    code,
  };
}
