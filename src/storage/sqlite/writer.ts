// The thread that owns the journal. It answers each message once, in order.
import { parentPort, workerData } from 'node:worker_threads';
import { errorMessage } from '../../apimachinery/error-message.ts';
import { Journal, type JournalContents } from './journal.ts';
import { unpackRows } from './packed-rows.ts';

export type WriterRequest =
  | { readonly type: 'append' /** As packRows makes it. */; readonly rows: string }
  | {
      readonly type: 'compact';
      readonly superseded: readonly (readonly [number, string])[];
      readonly position: { readonly revision: number; readonly compacted: number };
    }
  | { readonly type: 'shrink' }
  | { readonly type: 'close' };

export type WriterReply =
  | {
      readonly ok: true;
      readonly contents?: JournalContents /** There is more to do of the same. */;
      readonly more?: boolean;
    }
  | { readonly ok: false; readonly message: string };

function main(): void {
  const port = parentPort;
  if (!port) throw new Error('writer.ts is the entry of a worker thread');
  const attempt = (work: () => WriterReply): void => {
    let reply: WriterReply;
    try {
      reply = work();
    } catch (error) {
      reply = { ok: false, message: errorMessage(error) };
    }
    port.postMessage(reply);
  };
  let journal: Journal | undefined;
  attempt(() => {
    journal = new Journal((workerData as { path: string }).path);
    return { ok: true, contents: journal.read() };
  });
  port.on('message', (request: WriterRequest) => {
    attempt(() => {
      if (!journal) throw new Error('the journal is not open');
      if (request.type === 'append') journal.append(unpackRows(request.rows));
      if (request.type === 'compact') journal.compact(request.superseded, request.position);
      if (request.type === 'shrink') return { ok: true, more: journal.shrink() };
      if (request.type === 'close') journal.close();
      return { ok: true };
    });
    if (request.type === 'close') port.close();
    // Whoever waited has been told.
    else journal?.fold();
  });
}

main();
