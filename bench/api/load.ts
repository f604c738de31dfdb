// Loads a server from a process of its own, with as little work per request as can be: raw TLS connections that send one
// request after another and count the answers. Reads a Job as JSON from its arguments and prints a JSON result.
import { connect, type TLSSocket } from 'node:tls';
import { median } from '../percentile.ts';

export type Job =
  /** Requests one after another on each connection; `body` has `$N` replaced by a running number. Result: { perSecond, count }: of all answers, warm or not. */
  | {
      readonly type: 'requests';
      readonly port: number;
      readonly connections: number;
      readonly head: string;
      readonly body?: string;
      /** For this long, or … */
      readonly seconds?: number;
      /** … after so many more, which count for nothing: this process is slow at first, and a fast server waits for it. */
      readonly warmSeconds?: number;
      /** … this many; the result has `{ seconds }`: the time each tenth took. */
      readonly count?: number;
    }
  /** Opens watches, then sends the trigger `rounds` times; result: { milliseconds }: median until the last has heard. */
  | {
      readonly type: 'watch';
      readonly port: number;
      readonly watchers: number;
      readonly head: string;
      readonly trigger: string;
      readonly rounds: number;
    }
  /** Sends `head` once and, until its answer is whole, `probe` again and again on a connection of its own; result:
   * { milliseconds, longest }: of the answer, and of the slowest probe. Without `head` there are 200 probes. */
  | {
      readonly type: 'beside';
      readonly port: number;
      readonly head?: string;
      readonly probe: string;
    };

function open(port: number): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => resolve(socket));
    socket.on('error', reject);
  });
}

/** Calls back after each whole answer; only what tells where an answer ends is looked at. */
function onAnswers(socket: TLSSocket, answered: (status: number) => void): void {
  let pending: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    for (;;) {
      const end = pending.indexOf('\r\n\r\n');
      if (end < 0) return;
      const head = pending.toString('latin1', 0, end);
      const length = /content-length: (\d+)/i.exec(head)?.[1];
      const last = length === undefined ? pending.indexOf('\r\n0\r\n\r\n', end) + 7 : end + 4 + Number(length);
      if (last < end || pending.length < last) return;
      pending = pending.subarray(last);
      answered(Number(head.slice(9, 12)));
    }
  });
}

async function requests(job: Job & { type: 'requests' }): Promise<unknown> {
  const { port, connections, head, body, seconds = Number.POSITIVE_INFINITY, count = Number.POSITIVE_INFINITY } = job;
  let [sent, done, unmeasured] = [0, 0, 0];
  const ended = Promise.withResolvers<void>();
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(port)));
  let started = performance.now();
  let warm = (job.warmSeconds ?? 0) * 1000;
  const marks: number[] = [];
  const send = (socket: TLSSocket) => {
    if (sent >= count) return;
    const text = body?.replaceAll('$N', String(sent++));
    socket.write(
      text === undefined ? `${head}\r\n` : `${head}content-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
    );
  };
  for (const socket of sockets) {
    onAnswers(socket, (status) => {
      if (status >= 300) ended.reject(new Error(`an answer was ${status}`));
      done += 1;
      if (warm > 0 && performance.now() - started > warm) {
        [started, warm, unmeasured] = [performance.now(), 0, done];
      }
      if (done % (count / 10) === 0) marks.push((performance.now() - started) / 1000);
      if (done >= count || performance.now() - started > warm + seconds * 1000) ended.resolve();
      else send(socket);
    });
    send(socket);
  }
  await ended.promise;
  const took = (performance.now() - started) / 1000;
  return {
    perSecond: (done - unmeasured) / took,
    count: done,
    seconds: marks.map((mark, i) => mark - (marks[i - 1] ?? 0)),
  };
}

async function watch({ port, watchers, head, trigger, rounds }: Job & { type: 'watch' }): Promise<unknown> {
  let waiting = 0;
  let all = Promise.withResolvers<void>();
  for (let i = 0; i < watchers; i++) {
    const socket = await open(port);
    const answered = new Promise((resolve) => socket.once('data', resolve));
    socket.write(`${head}\r\n`);
    await answered;
    socket.on('data', (chunk: Buffer) => {
      // What a watch begins with is ADDED; two events may come in one piece.
      for (let at = chunk.indexOf('MODIFIED'); at >= 0; at = chunk.indexOf('MODIFIED', at + 1)) {
        if (--waiting === 0) all.resolve();
      }
    });
  }
  const control = await open(port);
  control.on('data', () => {});
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    waiting = watchers;
    all = Promise.withResolvers();
    const started = performance.now();
    const text = trigger.replaceAll('$N', String(round).padStart(3, '0'));
    control.write(text);
    await all.promise;
    times.push(performance.now() - started);
  }
  return { milliseconds: median(times) };
}

async function beside({ port, head, probe }: Job & { type: 'beside' }): Promise<unknown> {
  const prober = await open(port);
  let answered = Promise.withResolvers<void>();
  onAnswers(prober, () => answered.resolve());
  let longest = 0;
  const probeOnce = async () => {
    answered = Promise.withResolvers();
    const started = performance.now();
    prober.write(`${probe}\r\n`);
    await answered.promise;
    longest = Math.max(longest, performance.now() - started);
  };
  for (let warm = 0; warm < 50; warm++) await probeOnce();
  longest = 0;
  if (head === undefined) {
    for (let i = 0; i < 200; i++) await probeOnce();
    return { milliseconds: 0, longest };
  }
  const lister = await open(port);
  const started = performance.now();
  let milliseconds = 0;
  lister.resume();
  lister.on('end', () => {
    milliseconds = performance.now() - started;
  });
  lister.write(`${head}connection: close\r\n\r\n`);
  while (milliseconds === 0) await probeOnce();
  return { milliseconds, longest };
}

const job = JSON.parse(process.argv[2] ?? '{}') as Job;
const kinds = { requests, watch, beside } as const;
const result = await (kinds[job.type] as (job: Job) => Promise<unknown>)(job);
process.stdout.write(JSON.stringify(result));
process.exit();
