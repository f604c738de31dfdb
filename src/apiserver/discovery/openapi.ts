// /openapi/v2 and /openapi/v3: the documents themselves are made in src/api/openapi.
import type { ApiRequest, ApiResponse } from '../request.ts';

/** Undefined: no such document. */
export async function openApiResponse(_request: ApiRequest): Promise<ApiResponse | undefined> {
  return undefined;
}
