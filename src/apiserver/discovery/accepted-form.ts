// A document of discovery as the client accepts it: JSON, YAML or protocol buffers.
import { encodeValue, isPretty, mediaTypes } from '../encoding.ts';
import { negotiate } from '../negotiation.ts';
import type { ApiRequest, ApiResponse } from '../request.ts';

/**
 * `document` was made as JSON; one that has a form of its own in its content type stays. Throws a 406 StatusError where the client
 * accepts nothing that there is.
 */
export async function inAcceptedForm(
  request: ApiRequest,
  document: ApiResponse,
  { isRouted }: { readonly isRouted: boolean },
): Promise<ApiResponse> {
  if (document.headers?.['content-type'] !== mediaTypes.json) return document;
  const offer = { isWatch: false, isCollection: false, isCustom: false, hasTable: false, hasForms: false, isRouted };
  const { encoding, pretty } = negotiate(request.headers.accept, offer);
  const format = { encoding, pretty: pretty || isPretty(request) };
  if (encoding === 'json' && !format.pretty) return document;
  const value = JSON.parse(document.body as string);
  // Of the core group's resources no version is told, but the envelope of protocol buffers has one.
  const body = await encodeValue(encoding === 'protobuf' ? { apiVersion: 'v1', ...value } : value, format);
  return { ...document, headers: { ...document.headers, 'content-type': mediaTypes[encoding] }, body };
}
