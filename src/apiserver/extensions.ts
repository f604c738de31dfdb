// Where other parts of the API server put what they serve: streaming subresources, reviews, and paths that are no
// resource. src/cluster/ hands them in.
import type { KubeObject } from '../apimachinery/object.ts';
import type { HealthCheck } from './health.ts';
import type { ApiRequest, ApiResponse, User } from './request.ts';
import type { RequestInfo } from './request-info.ts';

/** Serves a subresource with its own way of talking (`pods/log`, `pods/exec`, `services/proxy`). The caller is authorized. */
export type ConnectHandler = (request: ApiRequest, info: RequestInfo, user: User) => Promise<ApiResponse>;

export interface VirtualRequest {
  readonly user: User;
  readonly info: RequestInfo;
  readonly dryRun: boolean;
}

/**
 * Answers a create of something that is not stored: SubjectAccessReview, TokenReview, serviceaccounts/token.
 * The object given is decoded; the one returned is what the client gets with 201.
 */
export type VirtualHandler = (object: KubeObject, request: VirtualRequest) => Promise<KubeObject>;

/** Serves everything below a path that is no resource. */
export interface PathHandler {
  /** As `/cacerts`, or with a final slash for all below it: `/portico/v1/`. */
  readonly path: string;
  /** Reachable by everyone, without authentication. */
  readonly isPublic?: boolean;
  /** Told of at `/`. */
  readonly isListed?: boolean;
  handle(request: ApiRequest, user: User | undefined): Promise<ApiResponse>;
}

/** APIs that other servers answer for (APIService objects). */
export interface Aggregation {
  /** The answer of the server that an APIService names for the path; undefined: it is answered here. */
  answer(request: ApiRequest, user: User, auditID: string): Promise<ApiResponse> | undefined;
  /** What this server answers by itself, discovery and OpenAPI with what others add. */
  merge(request: ApiRequest, own: (request: ApiRequest) => Promise<ApiResponse>): Promise<ApiResponse>;
}

export interface Extensions {
  /** By `pods/log`, or with the group after a dot for others than core. */
  readonly connect: Readonly<Record<string, ConnectHandler>>;
  /** By `subjectaccessreviews.authorization.k8s.io`, `serviceaccounts/token`. */
  readonly virtual: Readonly<Record<string, VirtualHandler>>;
  readonly paths: readonly PathHandler[];
  /** What `componentstatuses` tells of, under upstream's names. */
  readonly components?: readonly HealthCheck[];
}
