import type { Agent, IncomingHttpHeaders } from 'node:http';
import https from 'node:https';
import { hostnameOf } from '../net/ip.ts';
import { http } from '../system/http.ts';
import type { RawRequest, RawResponse } from './types.ts';

/** One request over HTTP/1.1 on a connection of `agent`. */
export function requestHttp1(url: URL, agent: Agent, request: RawRequest): Promise<RawResponse> {
  const { method, path, headers, signal } = request;
  const open = url.protocol === 'https:' ? https.request : http.request;
  return new Promise((resolve, reject) => {
    const outgoing = open({ host: hostnameOf(url), port: url.port, method, path, headers, agent, signal }, (incoming) =>
      resolve({ status: incoming.statusCode ?? 0, headers: flatHeaders(incoming.headers), body: incoming }),
    );
    outgoing.on('error', reject);
    outgoing.end(request.body);
  });
}

/** Headers with one text each; pseudo-headers are left out. */
export function flatHeaders(headers: IncomingHttpHeaders | Record<string, unknown>): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(':') || value === undefined) continue;
    flat[name] = Array.isArray(value) ? value.join(', ') : String(value);
  }
  return flat;
}
