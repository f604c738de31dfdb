// What was sent and answered, as objects, whatever they are written in.
import { parseExactly } from '../../apimachinery/json/int64.ts';
import { mediaType, parseBody } from '../handlers/body.ts';
import { parseYaml } from '../handlers/yaml.ts';
import type { ApiRequest, ApiResponse } from '../request.ts';
import type { RequestInfo } from '../request-info.ts';
import type { NotedRequest } from './noted-request.ts';

/** A patch as it was sent, or the options of a delete; undefined for other bodies, and for what cannot be read. */
export async function sentObject(request: NotedRequest, { verb }: RequestInfo): Promise<unknown> {
  if (!request.sent?.length) return undefined;
  try {
    if (verb.startsWith('delete')) {
      const { value } = await parseBody(request);
      // Upstream tells of them in the form in which it works with them.
      return { ...(value as object), kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/__internal' };
    }
    if (!mediaType(request).includes('patch')) return undefined;
    const text = Buffer.from(request.sent).toString();
    return mediaType(request).endsWith('yaml') ? (await parseYaml(text)).value : parseExactly(text);
  } catch {
    return undefined;
  }
}

/** The object that a whole body holds; undefined for text. */
export async function answeredObject({ headers, body }: ApiResponse): Promise<unknown> {
  const type = String(headers['content-type'] ?? '');
  if (!type.startsWith('application/') || !(typeof body === 'string' || body instanceof Uint8Array)) return undefined;
  try {
    if (type.startsWith('application/json')) {
      return parseExactly(typeof body === 'string' ? body : Buffer.from(body).toString());
    }
    const answer: Pick<ApiRequest, 'headers' | 'body'> = {
      headers: { 'content-type': type },
      body: async () => Buffer.from(body),
    };
    return (await parseBody(answer as ApiRequest)).value;
  } catch {
    return undefined;
  }
}
