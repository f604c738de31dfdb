// Who asks, and whether they may: what the API server wants to know of a request before it looks at it, and who tells it.
import type { ApiRequest, User } from './request.ts';
import type { RequestInfo } from './request-info.ts';

export interface Attributes {
  readonly user: User;
  readonly verb: string;
  readonly info: RequestInfo;
  /** As given, for list, watch and deletecollection: node agents may list the pods of their own node only. */
  readonly fieldSelector?: string | undefined;
  /** Likewise, for authorizers that ask others. */
  readonly labelSelector?: string | undefined;
}

export interface Decision {
  readonly allowed: boolean;
  /** Refused, and not merely allowed by nobody. */
  readonly denied?: boolean;
  readonly reason?: string;
  /** What kept an authorizer from deciding: a request that nobody allows is an internal error then. */
  readonly error?: string;
  /** Who decided, where it may be another than RBAC. */
  readonly by?: { readonly type: string; readonly name: string };
}

export interface Impersonated {
  readonly user: User;
  /** The verb of constrained impersonation that allowed it; empty: the old one did. */
  readonly constraint: string;
}

export interface Authenticator {
  /** Undefined: nobody said who they are. Throws a StatusError 401 for credentials that are wrong. */
  authenticate(request: ApiRequest): Promise<User | undefined> | User | undefined;
  /**
   * The user that the request's headers ask to act as (`kubectl --as`); undefined: they ask for none. The attributes are those of
   * the asking user. Throws 400 and 403.
   */
  impersonate?(request: ApiRequest, asking: Attributes): Promise<Impersonated | undefined> | undefined;
}

export interface Authorizer {
  authorize(attributes: Attributes): Promise<Decision> | Decision;
}
