// Reads bodies of answers: a whole text, or the newline-separated JSON events of a watch.
import { parseExactly } from '../apimachinery/json/int64.ts';
import type { KubeObject, WatchEvent } from '../apimachinery/object.ts';

/** All of a body as UTF-8 text. */
export async function readText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** The lines of a body; an incomplete last one (the connection broke) is dropped. */
export async function* lines(body: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  let rest: Uint8Array[] = [];
  for await (const chunk of body) {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(10, start);
      if (end < 0) break;
      rest.push(chunk.subarray(start, end));
      yield Buffer.concat(rest).toString('utf8');
      rest = [];
      start = end + 1;
    }
    if (start < chunk.length) rest.push(chunk.subarray(start));
  }
}

export async function* watchEvents<T extends KubeObject>(
  body: AsyncIterable<Uint8Array>,
): AsyncIterableIterator<WatchEvent<T>> {
  for await (const line of lines(body)) {
    if (line !== '') yield parseExactly(line) as WatchEvent<T>;
  }
}
