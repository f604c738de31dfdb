import type { Transport } from './types.ts';

/** The same way to the server under a name of its own (User-Agent), by which the fields are known that it writes. */
export function namedTransport(transport: Transport, name: string): Transport {
  return { request: (raw) => transport.request({ ...raw, headers: { 'user-agent': name, ...raw.headers } }) };
}
