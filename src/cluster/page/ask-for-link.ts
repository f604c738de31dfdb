// Asks an API server for a link to its page.

import type { Client } from '../../client/types.ts';
import { readText } from '../../client/watch-stream.ts';
import { Failure } from '../failure.ts';
import { linksPath } from './paths.ts';
import type { KnownNetwork } from './sessions.ts';

/** Rejects with a Failure of one line when the server refuses, or has no page. */
export async function askForLink(client: Client, known: KnownNetwork): Promise<string> {
  const body = JSON.stringify(known);
  const headers = { 'content-type': 'application/json' };
  const response = await client.raw({ method: 'POST', path: linksPath, headers, body });
  const { url, message } = JSON.parse(await readText(response.body)) as { url?: string; message?: string };
  if (response.status !== 201 || url === undefined) throw new Failure(`ui: ${message ?? `status ${response.status}`}`);
  return url;
}
