// `portico dns --processes N`: the same program N times on the same addresses (SO_REUSEPORT). This one answers no query; it
// starts the others, starts them again, and adds up what they count.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { selfCommand } from '../cluster/launch.ts';
import type { ListenAddress } from '../dns/listener.ts';
import { serveHttpEndpoints } from '../dns/metrics/http-endpoints.ts';
import { mergeMetrics } from '../dns/metrics/merge-metrics.ts';
import { processFamilies } from '../metrics/process-metrics.ts';
import type { Random } from '../system/random.ts';

/** What one of several processes is told through its environment. */
const variable = 'PORTICO_DNS_PROCESS';
/** Milliseconds before a process that ended is started again. */
const restartMs = 1000;

interface Assignment {
  readonly loopToken: string;
  /** The addresses with the ports that the first process got; absent for the first. */
  readonly addresses?: readonly ListenAddress[];
}

type Message =
  | { readonly kind: 'listening'; readonly addresses: readonly ListenAddress[] }
  | { readonly kind: 'ready' }
  | { readonly kind: 'metrics'; readonly text: string };

/** This process as one of several. */
export interface DnsProcess extends Assignment {
  readonly listening: (addresses: readonly ListenAddress[]) => void;
  readonly ready: () => void;
  answerMetrics(text: () => string): void;
}

/** What this process is, when it is one of several. */
export function dnsProcess(): DnsProcess | undefined {
  const text = process.env[variable];
  if (text === undefined) return undefined;
  const assignment = JSON.parse(text) as Assignment;
  const tell = (message: Message) => void process.send?.(message);
  // Without the one that starts it again and counts with it, it is of no use.
  process.once('disconnect', () => process.exit(1));
  return {
    ...assignment,
    listening: (addresses) => tell({ kind: 'listening', addresses }),
    ready: () => tell({ kind: 'ready' }),
    answerMetrics: (metrics) => process.on('message', () => tell({ kind: 'metrics', text: metrics() })),
  };
}

export interface DnsProcessesOptions {
  readonly count: number;
  readonly httpAddresses: readonly ListenAddress[];
  readonly random: Random;
  readonly log: (message: string) => void;
  readonly onListening: (addresses: readonly ListenAddress[]) => void;
  readonly onReady: () => void;
}

interface Worker {
  readonly child: ChildProcess;
  ready: boolean;
}

/** Runs until the signal aborts. Rejects when the first process ends before it listens. */
export async function runDnsProcesses(options: DnsProcessesOptions, signal: AbortSignal): Promise<void> {
  const { count, httpAddresses, random, log } = options;
  const loopToken = Buffer.from(random.bytes(8)).toString('hex');
  const workers: Worker[] = [];
  const readied = () => {
    if (workers.length === count && workers.every(({ ready }) => ready)) options.onReady();
  };
  const signalAll = (name: NodeJS.Signals) => {
    for (const { child } of workers) child.kill(name);
  };
  const hangUp = () => signalAll('SIGHUP');
  process.on('SIGHUP', hangUp);
  signal.addEventListener('abort', () => signalAll('SIGTERM'), { once: true });
  const first = start({ loopToken }, readied);
  workers.push(first);
  const addresses = await listening(first.child);
  options.onListening(addresses);
  const assignment = { loopToken, addresses };
  while (workers.length < count) workers.push(start(assignment, readied));
  const running = workers.map(async (worker, i) => {
    for (let current = worker; ; current = start(assignment, () => {})) {
      workers[i] = current;
      await once(current.child, 'exit');
      if (signal.aborted) return;
      log(`process ${current.child.pid} ended; another takes its place`);
      await new Promise((resolve) => setTimeout(resolve, restartMs));
      if (signal.aborted) return;
    }
  });
  const endpoints = {
    addresses: httpAddresses,
    log,
    waitingFor: () => (workers.every(({ ready }) => ready) ? [] : ['kubernetes']),
    metrics: async () => {
      const texts = await Promise.all(workers.map(({ child }) => metricsOf(child)));
      return (
        mergeMetrics(texts) +
        processFamilies()
          .map((family) => family.print())
          .join('')
      );
    },
  };
  await Promise.all([...running, serveHttpEndpoints(endpoints, signal)]);
  process.off('SIGHUP', hangUp);
}

function start(assignment: Assignment, readied: () => void): Worker {
  const [program = '', ...args] = selfCommand(process.argv.slice(2));
  const env = { ...process.env, [variable]: JSON.stringify(assignment) };
  const child = spawn(program, args, { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const worker: Worker = { child, ready: false };
  child.on('message', (message: Message) => {
    if (message.kind !== 'ready') return;
    worker.ready = true;
    readied();
  });
  return worker;
}

function listening(child: ChildProcess): Promise<readonly ListenAddress[]> {
  return new Promise((resolve, reject) => {
    child.on('message', (message: Message) => {
      if (message.kind === 'listening') resolve(message.addresses);
    });
    child.once('exit', (code) => reject(new Error(`it ended with ${code}`)));
  });
}

/** Empty for a process that ends before it tells. */
export function metricsOf(child: ChildProcess): Promise<string> {
  if (!child.connected) return Promise.resolve('');
  return new Promise((resolve) => {
    const told = (text: string) => {
      child.off('message', take);
      child.off('exit', gone);
      resolve(text);
    };
    const take = (message: Message) => {
      if (message.kind === 'metrics') told(message.text);
    };
    const gone = () => told('');
    child.on('message', take);
    child.once('exit', gone);
    // One that cannot be asked any more is about to end.
    child.send('metrics', (error) => error && gone());
  });
}
