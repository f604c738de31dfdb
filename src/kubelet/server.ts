// The kubelet's own API, as the API server asks it over the tunnel (docs/design.md, "The way to kubelets").
import { once } from 'node:events';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { cpus, totalmem } from 'node:os';
import { pipeline } from 'node:stream/promises';
import type { NodeSystemInfo, Pod } from '../api/core/v1/types.generated.ts';
import { errorMessage } from '../apimachinery/error-message.ts';
import { isOn } from '../apimachinery/query.ts';
import { ownValue, table } from '../apimachinery/table.ts';
import { parseTime } from '../apimachinery/time.ts';
import type { RemoteCommand } from '../client/streaming/remote-command.ts';
import type { TunnelHandler } from '../client/tunnel.ts';
import { metricsContentType } from '../metrics/metric.ts';
import type { Clock } from '../system/clock.ts';
import type { Cri } from './cri/client.ts';
import { containerState } from './cri/messages.ts';
import { readLog } from './logs/log-reader.ts';
import { folderPage, systemLog } from './logs/system-logs.ts';
import { containerOf, statusesOf } from './pod/containers.ts';
import { logFile } from './pod/identity.ts';
import { latest, type ObservedContainer, type ObservedPod, readySandbox } from './pod/observed.ts';
import type { ProbeMetrics } from './probes/probe-metrics.ts';
import { cadvisorMetrics } from './stats/cadvisor.ts';
import { readContainers } from './stats/container-reader.ts';
import type { DetailReader } from './stats/detail.ts';
import { kubeletMetrics, resourceMetrics } from './stats/metrics.ts';
import { statsSummary } from './stats/summary.ts';
import type { UsageMeter } from './stats/usage-meter.ts';
import type { LocalFolders } from './volumes/local-folders.ts';

export interface ServerContext {
  readonly cri: Cri;
  readonly clock: Clock;
  readonly nodeName: string;
  readonly nodeInfo: () => Partial<NodeSystemInfo>;
  readonly cgroupRoot: string;
  readonly probeMetrics: ProbeMetrics;
  readonly logRoot: string;
  readonly localFolders: LocalFolders;
  readonly usage: UsageMeter;
  readonly detail: DetailReader;
  readonly pods: () => readonly Pod[];
  readonly observe: (uid: string) => Promise<ObservedPod>;
}

/** A refusal: its status and text are the answer. */
class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const notFound = (): Refusal => new Refusal(404, '404 page not found');

interface Call {
  readonly context: ServerContext;
  readonly request: Http2ServerRequest;
  readonly response: Http2ServerResponse;
  readonly url: URL;
  /** What stands after the first part of the path. */
  readonly rest: readonly string[];
}

const handlers = table<(call: Call) => Promise<void>>({
  healthz: async ({ response }) => text(response, 'ok'),
  pods: async ({ context, response }) =>
    json(response, { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: context.pods() }),
  containerLogs,
  logs,
  localVolumes,
  exec: (call) => remoteCommand(call, 'exec'),
  attach: (call) => remoteCommand(call, 'attach'),
  portForward,
  stats,
  metrics,
});

export function kubeletHandler(context: ServerContext): TunnelHandler {
  return async (request, response) => {
    try {
      const { url, segments } = parsed(request.url);
      const [, name = '', ...rest] = segments;
      const handler = handlers[name];
      if (!handler) throw notFound();
      await handler({ context, request, response, url, rest });
    } catch (error) {
      if (response.headersSent) response.stream.destroy();
      else text(response, errorMessage(error), error instanceof Refusal ? error.status : 500);
    }
  };
}

function parsed(path: string): { readonly url: URL; readonly segments: readonly string[] } {
  try {
    const url = new URL(path, 'http://kubelet');
    return { url, segments: url.pathname.split('/').map(decodeURIComponent) };
  } catch {
    throw new Refusal(400, '400 Bad Request');
  }
}

function text(response: Http2ServerResponse, body: string, status = 200): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(body);
}

function shownMetrics(response: Http2ServerResponse, body: string): void {
  response.writeHead(200, { 'content-type': metricsContentType });
  response.end(body);
}

function json(response: Http2ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

function findPod({ context, rest: [namespace = '', name = ''] }: Call): Pod {
  const pod = context.pods().find((p) => p.metadata.name === name && p.metadata.namespace === namespace);
  if (!pod) throw new Refusal(404, `pod "${name}" not found`);
  return pod;
}

function number(url: URL, name: string): number | undefined {
  const value = url.searchParams.get(name);
  return value === null || value === '' ? undefined : Number(value);
}

const flag = (url: URL, name: string): boolean => isOn(url.searchParams.get(name));

async function stats({ context, response, url, rest }: Call): Promise<void> {
  if (rest.join('/') !== 'summary') throw notFound();
  const usage = await context.usage.read();
  const detail = flag(url, 'only_cpu_and_memory') ? undefined : await context.detail.read(context.pods());
  json(response, statsSummary(context, usage, detail));
}

async function metrics({ context, response, rest }: Call): Promise<void> {
  if (rest.length === 0) {
    const [usage, detail] = await Promise.all([context.usage.read(), context.detail.read(context.pods())]);
    shownMetrics(response, kubeletMetrics({ nodeName: context.nodeName, pods: context.pods(), usage, detail }));
  } else if (rest.join('/') === 'resource') {
    const usage = await context.usage.read().catch(() => undefined);
    shownMetrics(response, resourceMetrics(usage && statsSummary(context, usage)));
  } else if (rest.join('/') === 'cadvisor') {
    const containers = await readContainers(context, context.pods()).catch(() => undefined);
    const machine = { cores: cpus().length, memory: totalmem(), nodeInfo: context.nodeInfo() };
    shownMetrics(response, cadvisorMetrics({ ...machine, containers }));
  } else if (rest.join('/') === 'probes') shownMetrics(response, context.probeMetrics.print());
  else throw notFound();
}

/** What upstream's enableSystemLogHandler shows by default. */
async function logs({ request, response, url, rest }: Call): Promise<void> {
  if (request.method !== 'GET') throw new Refusal(405, 'method not allowed');
  const found = await systemLog('/var/log', rest.join('/'));
  if (!found) throw notFound();
  if (found.kind === 'folder' && !url.pathname.endsWith('/')) {
    // Links of the page are from it.
    response.writeHead(301, { location: `${url.pathname.split('/').at(-1)}/` });
    response.end();
  } else if (found.kind === 'folder') {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
    response.end(folderPage(found.names));
  } else {
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
    await pipeline(found.file.createReadStream(), response.stream);
  }
}

async function containerLogs(call: Call): Promise<void> {
  const { context, request, response, url } = call;
  const pod = findPod(call);
  const name = call.rest[2] ?? '';
  const container = await logOf(call, pod, name);
  const sinceSeconds = number(url, 'sinceSeconds');
  const sinceTime = url.searchParams.get('sinceTime');
  const stream = url.searchParams.get('stream');
  const over = new AbortController();
  response.once('close', () => over.abort());
  request.once('aborted', () => over.abort());
  response.writeHead(200, { 'content-type': 'text/plain' });
  const source = {
    path: logFile(context.logRoot, pod, container),
    signal: over.signal,
    isRunning: async () => {
      const status = await context.cri.containerStatus(container.id).catch(() => undefined);
      return status?.state === containerState.running;
    },
  };
  const log = readLog(source, {
    follow: flag(url, 'follow'),
    timestamps: flag(url, 'timestamps'),
    tailLines: number(url, 'tailLines'),
    since:
      sinceSeconds === undefined
        ? sinceTime
          ? parseTime(sinceTime)
          : undefined
        : context.clock.now() - sinceSeconds * 1000,
    limitBytes: number(url, 'limitBytes'),
    stream: stream === 'Stdout' ? 'stdout' : stream === 'Stderr' ? 'stderr' : undefined,
  });
  for await (const chunk of log) {
    if (!response.stream.write(chunk)) await drained(response, over.signal);
  }
  response.end();
}

/** Resolves also at the abort. */
async function drained({ stream }: Http2ServerResponse, signal: AbortSignal): Promise<void> {
  await once(stream, 'drain', { signal }).catch(() => {});
}

async function logOf({ context, url }: Call, pod: Pod, name: string): Promise<ObservedContainer> {
  const observed = await context.observe(pod.metadata.uid ?? '');
  const history = observed.containers.filter((c) => c.name === name && c.state !== 'created');
  const where = `container "${name}" in pod "${pod.metadata.name}"`;
  const status = statusesOf(pod).find((s) => s.name === name);
  if (flag(url, 'previous')) {
    const id = status?.lastState?.terminated?.containerID?.replace('containerd://', '');
    const previous = history.find((c) => c.id === id);
    if (!previous) throw new Refusal(400, `previous terminated ${where} not found`);
    return previous;
  }
  const [current] = history;
  if (current) return current;
  const waiting = status?.state?.waiting;
  if (!status && !containerOf(pod, name)) {
    throw new Refusal(404, `container "${name}" not found in pod "${pod.metadata.name}"`);
  }
  const reason = waiting?.reason ?? 'ContainerCreating';
  throw new Refusal(400, `${where} is waiting to start: ${ownValue(whyWaiting, reason) ?? reason}`);
}

/** In place of the reason, where upstream has other words. */
const whyWaiting = table<string>({
  ErrImagePull: "image can't be pulled",
  ImagePullBackOff: 'trying and failing to pull image',
});

/** `POST` makes the directory of a volume and answers its path, `DELETE` removes it. */
async function localVolumes({ context, request, response, rest: [name = ''] }: Call): Promise<void> {
  const refused = new Refusal(400, `${JSON.stringify(name)} is not the name of a local volume`);
  if (request.method === 'POST') {
    const path = await context.localFolders.make(name);
    if (path === undefined) throw refused;
    text(response, path);
  } else if (request.method === 'DELETE') {
    if (!(await context.localFolders.remove(name))) throw refused;
    text(response, '');
  } else throw new Refusal(405, 'method not allowed');
}

async function remoteCommand(call: Call, kind: 'exec' | 'attach'): Promise<void> {
  const { context, response, url } = call;
  const pod = findPod(call);
  const name = call.rest[2] ?? '';
  const container = latest(await context.observe(pod.metadata.uid ?? ''), name);
  if (container?.state !== 'running') throw new Refusal(404, `container not found ("${name}")`);
  // Who attaches gets what the container was started with: without a terminal of its own, a client asks one for stderr too.
  const tty = kind === 'attach' ? containerOf(pod, name)?.tty === true : flag(url, 'tty');
  const flags = { stdin: flag(url, 'input'), stdout: flag(url, 'output'), stderr: flag(url, 'error') && !tty, tty };
  const cmd = url.searchParams.getAll('command');
  const ask = { containerId: container.id, ...flags };
  const runtimeUrl = kind === 'exec' ? await context.cri.exec({ ...ask, cmd }) : await context.cri.attach(ask);
  const command: RemoteCommand = { url: runtimeUrl, ...flags };
  // Loaded when it is first asked for, as are forwarded ports: most nodes hardly ever are.
  const { openRemoteCommand, pumpRemoteCommand } = await import('../client/streaming/remote-command.ts');
  const streams = await openRemoteCommand(command);
  response.writeHead(200, { 'content-type': 'application/octet-stream' });
  await pumpRemoteCommand(streams, response.stream);
}

async function portForward(call: Call): Promise<void> {
  const { context, response, url } = call;
  const pod = findPod(call);
  const port = number(url, 'port') ?? 0;
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Refusal(400, `unable to parse "${url.searchParams.get('port')}" as a port`);
  const sandbox = readySandbox(await context.observe(pod.metadata.uid ?? ''));
  if (!sandbox) throw new Refusal(404, `pod not running: ${pod.metadata.name}`);
  const { openForwardedPort, pumpForwardedPort } = await import('../client/streaming/port-forward.ts');
  const runtimeUrl = await context.cri.portForward(sandbox.id, [port]);
  const forwarded = await openForwardedPort({ url: runtimeUrl }, port);
  response.writeHead(200, { 'content-type': 'application/octet-stream' });
  await pumpForwardedPort(forwarded, response.stream);
}
