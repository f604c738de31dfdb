// One request for a resource, once it is known which one and who asks.
import type { ResourceDefinition, ResourceFacts } from '../../api/resource.ts';
import type { Schemas } from '../../api/schema.ts';
import type { Clock } from '../../system/clock.ts';
import type { Random } from '../../system/random.ts';
import type { Admission } from '../admission/admission.ts';
import type { Extensions } from '../extensions.ts';
import type { ApiMetrics } from '../metrics/api-metrics.ts';
import type { ResponseFormat } from '../negotiation.ts';
import type { Registry } from '../registry/registry.ts';
import type { ResourceStore } from '../registry/resource-store.ts';
import type { ApiRequest, User } from '../request.ts';
import type { RequestInfo } from '../request-info.ts';
import type { WatchCache } from '../watch-cache/watch-cache.ts';

/** What all requests share. */
export interface ServerParts {
  readonly registry: Registry;
  readonly cache: WatchCache;
  readonly admission: Admission;
  readonly schemas: Schemas;
  readonly extensions: Extensions;
  readonly metrics: ApiMetrics;
  readonly clock: Clock;
  readonly random: Random;
  /** Milliseconds that a watch lasts at least that says nothing of it. Default: half an hour. */
  readonly minRequestMs?: number | undefined;
}

export interface ResourceRequest {
  readonly parts: ServerParts;
  readonly request: ApiRequest;
  readonly info: RequestInfo;
  readonly user: User;
  readonly definition: ResourceDefinition;
  /** The facts of the subresource, where one is asked for. */
  readonly subresource: ResourceFacts | undefined;
  readonly store: ResourceStore;
  readonly format: ResponseFormat;
  /** Texts for the Warning header of the answer. */
  readonly warnings: Set<string>;
  /** What admission has to say in the audit event, by `plugin.example.com/key`. */
  readonly auditAnnotations: Map<string, string>;
  /** Aborts when the time is over that the client gave with `?timeout=`: nothing is written after. */
  readonly deadline?: AbortSignal | undefined;
}
