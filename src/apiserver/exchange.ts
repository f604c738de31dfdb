// One request on its way through the server, and what is learned of it.

import type { Attributes } from './access-control.ts';
import type { AuditTrail } from './audit/auditor.ts';
import type { Flow } from './flowcontrol/flows.ts';
import type { ResourceRequest } from './handlers/resource-request.ts';
import type { ApiRequest, User } from './request.ts';
import type { RequestInfo } from './request-info.ts';

export interface Exchange {
  /** Replaced by one that notes what is read, where the audit log wants it. */
  request: ApiRequest;
  readonly info: RequestInfo;
  /** The same with the name that a field selector says. */
  readonly named: RequestInfo;
  readonly auditID: string;
  /** As the clock's `monotonic`. */
  readonly received: number;
  /** Nobody knows who asks. */
  isUnknown: boolean;
  trail: AuditTrail | undefined;
  /** Aborts when the client's time is over; undefined where it said none. */
  deadline: AbortSignal | undefined;
  /** Once it is known which resource it is for. */
  resource: ResourceRequest | undefined;
  /** What flow control counts it as, once it is known who asks; undefined where it is not counted. */
  flow: Flow | undefined;
}

/** Only requests to collections have selectors. */
export function attributesOf({ request, info, named }: Exchange, user: User): Attributes {
  const { query } = request;
  const isSelecting = query.size > 0 && info.isResource && info.name === '';
  return {
    user,
    verb: info.verb,
    info: named,
    fieldSelector: isSelecting ? (query.get('fieldSelector') ?? undefined) : undefined,
    labelSelector: isSelecting ? (query.get('labelSelector') ?? undefined) : undefined,
  };
}
