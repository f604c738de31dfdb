import type { APIService } from '../../api/apiregistration/v1/types.generated.ts';
import type { ApiRequest, ApiResponse, User } from '../request.ts';
import type { ApiResourceList } from './merge.ts';
import type { Verdict } from './service-target.ts';

/** A group and version that an APIService stands for and that is no resource of this server: a remote one, or one of its own. */
export interface ServedApi {
  /** What it serves, as it last said; undefined until then. */
  readonly resources: ApiResourceList | undefined;
  /** Where its OpenAPI v3 document is, as it last said. */
  readonly documentUrl?: string | undefined;
  /** Whether it can be reached; what it serves is known from then on. */
  check(service: Readonly<APIService>): Promise<Verdict>;
  answer(request: ApiRequest, user: User, auditID: string): Promise<ApiResponse>;
  /** A document of it, such as `/openapi/v2`. Rejects when there is none. */
  fetch(path: string): Promise<string>;
  close(): void;
}
