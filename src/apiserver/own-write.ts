// Writes that the server makes through its own API, as a client would: admission and validation look at them.
import type { Transport } from '../client/types.ts';
import { readText } from '../client/watch-stream.ts';

export interface OwnWrite {
  readonly method: 'POST' | 'PUT' | 'DELETE';
  /** With its query. */
  readonly path: string;
  readonly body?: object | undefined;
  /** Refusals that are as good as success: somebody else was faster, which the next look tells. Default 404 and 409. */
  readonly tolerated?: readonly number[];
}

/** Rejects where the API refuses, with what it says. */
export async function ownWrite(
  transport: Transport,
  { method, path, body, tolerated = [404, 409] }: OwnWrite,
): Promise<void> {
  const response = await transport.request({
    method,
    path,
    headers: { 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await readText(response.body);
  if (response.status < 400 || tolerated.includes(response.status)) return;
  throw new Error(`${method} ${path}: ${response.status} ${text.trim()}`);
}
