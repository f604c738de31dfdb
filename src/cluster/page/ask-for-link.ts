// Asks an API server for a link to its page.
import type { Client, RawResponse } from '../../client/types.ts';
import { Failure } from '../failure.ts';
import { linksPath } from './page.ts';

/** Rejects with a Failure of one line when the server refuses, or has no page. */
export async function askForLink(client: Client, proxyMode: string | undefined): Promise<string> {
  const body = JSON.stringify({ ...(proxyMode !== undefined && { proxyMode }) });
  const headers = { 'content-type': 'application/json' };
  const response = await client.raw({ method: 'POST', path: linksPath, headers, body });
  const { url, message } = JSON.parse(await textOf(response)) as { url?: string; message?: string };
  if (response.status !== 201 || url === undefined) throw new Failure(`ui: ${message ?? `status ${response.status}`}`);
  return url;
}

async function textOf({ body }: RawResponse): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
