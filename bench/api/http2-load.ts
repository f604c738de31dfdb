// Loads a server over HTTP/2, as Go's clients speak it: h2load, of Debian's package nghttp2-client.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface Http2Job {
  readonly port: number;
  readonly path: string;
  readonly token: string;
  readonly connections: number;
  /** Streams of each connection at a time. */
  readonly streams: number;
  readonly seconds: number;
  /** Posted with each request; absent: they are GETs. */
  readonly body?: string;
}

/** Rejects where an answer is an error, or h2load is not there. */
export async function http2Load(job: Http2Job): Promise<{ readonly perSecond: number; readonly count: number }> {
  const { port, path, token, connections, streams, seconds, body } = job;
  const folder = await mkdtemp(join(tmpdir(), 'portico-bench-'));
  try {
    const file = join(folder, 'body.json');
    if (body !== undefined) await writeFile(file, body);
    const posted = body === undefined ? [] : ['-d', file, '-H', 'content-type: application/json'];
    const { stdout } = await promisify(execFile)('h2load', [
      ...['-D', String(seconds), '-c', String(connections), '-m', String(streams)],
      ...['-H', `authorization: Bearer ${token}`, ...posted],
      `https://127.0.0.1:${port}${path}`,
    ]);
    const statuses = /(\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx/.exec(stdout)?.slice(1).map(Number) ?? [];
    const [count = 0, ...others] = statuses;
    if (count === 0 || others.some((one) => one > 0)) throw new Error(`not all answers were good:\n${stdout}`);
    return { perSecond: count / seconds, count };
  } finally {
    await rm(folder, { recursive: true });
  }
}
