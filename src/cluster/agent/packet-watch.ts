// Watches one packet in the kernel of this node, for `portico trace --live`: a table that marks it for tracing, the trace
// that nft prints, what connection tracking made of it. All of it goes when it is asked for, or after a while by itself. And
// counts the connections that go through the doors of Services now.
import type { Http2ServerRequest } from 'node:http2';
import { errorMessage } from '../../apimachinery/error-message.ts';
import type { TunnelHandler } from '../../client/tunnel.ts';
import { readText } from '../../client/watch-stream.ts';
import { type Connections, connectionsPath, countConnections } from '../../explain/live/connections.ts';
import { readTrace } from '../../explain/live/kernel-trace.ts';
import { sendPacket } from '../../explain/live/send.ts';
import {
  type PacketMatch,
  type Passing,
  type RulesModel,
  type Seen,
  type Send,
  type WatchRequest,
  watchScript,
  watchTableOf,
} from '../../explain/live/watch.ts';
import type { Clock, Timer } from '../../system/clock.ts';
import type { Exec } from '../../system/exec.ts';
import type { Follow } from '../../system/follow.ts';

const watchPath = '/portico-watch';

export interface WatchTools {
  readonly exec: Exec;
  readonly clock: Clock;
  readonly follow: Follow;
  /** Path of the network namespace of a pod of this node, by its address; undefined for the node's own. */
  readonly networkNamespaceOf: (podAddress: string) => Promise<string | undefined>;
}

interface Watch {
  readonly matches: readonly PacketMatch[];
  readonly lines: string[];
  /** Resolves when the monitor has told of the end, and so of all before it; or when the watch is over. */
  readonly told: PromiseWithResolvers<void>;
  readonly stop: AbortController;
  /** Ends a watch that nobody asks about any more. */
  end: Timer;
}

const longest = 120_000;
const mostPackets = 1000;
/** Until a monitor that ended has a successor, and until one that began is asked whether it listens. */
const againMs = 200;

export class PacketWatches {
  readonly #nodeName: string;
  readonly #tools: WatchTools;
  readonly #watches = new Map<string, Watch>();

  constructor(nodeName: string, tools: WatchTools) {
    this.#nodeName = nodeName;
    this.#tools = tools;
  }

  /** Serves the paths of watches, and leaves all others to `next`. */
  before(next: TunnelHandler): TunnelHandler {
    return async (request, response) => {
      const [, prefix, id = '', verb = ''] = request.url.split('/');
      if (`/${prefix}` === connectionsPath) {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify(await this.#connections()));
        return;
      }
      if (`/${prefix}` !== watchPath || request.method !== 'POST') return next(request, response);
      // The head goes first: the way from the API server carries the body of a request only once its answer has begun.
      response.writeHead(200, { 'content-type': 'application/json' });
      const answer = await this.#answer(verb, id, request).catch((error: unknown) => ({
        message: errorMessage(error),
      }));
      response.end(JSON.stringify(answer));
    };
  }

  async #answer(verb: string, id: string, request: Http2ServerRequest): Promise<unknown> {
    const body: unknown = JSON.parse(await readText(request));
    if (!/^[a-z0-9]{1,16}$/.test(id)) throw new Error(`${JSON.stringify(id)} is no name of a watch`);
    if (verb === 'start') return this.#start(id, (body as WatchRequest).matches);
    const watch = this.#watches.get(id);
    if (!watch) throw new Error(`there is no watch ${id}`);
    if (verb === 'packets') return { packets: this.#packets(id, watch) };
    if (verb === 'send') return { result: await this.#send(body as Send) };
    if (verb === 'stop') return this.#finish(id, watch, body as RulesModel);
    throw new Error(`watches know start, send, packets and stop, not ${verb}`);
  }

  /** Resolves once the kernel's trace is being read. */
  async #start(id: string, matches: readonly PacketMatch[]): Promise<object> {
    const { exec, follow, clock } = this.#tools;
    const table = watchTableOf(id);
    const stop = new AbortController();
    const end = clock.after(longest, () => stop.abort());
    const watch: Watch = { matches, lines: [], told: Promise.withResolvers(), stop, end };
    const reading = Promise.withResolvers<void>();
    // Nobody may be waiting yet when the monitor cannot be started.
    reading.promise.catch(() => {});
    this.#watches.set(id, watch);
    stop.signal.addEventListener('abort', () => {
      watch.end.cancel();
      this.#watches.delete(id);
      reading.resolve();
      watch.told.resolve();
      void exec.run(['nft', 'delete', 'table', 'inet', table]).catch(() => {});
    });
    void (async () => {
      while (!stop.signal.aborted) {
        // The table's own coming is the first that the monitor tells: then it listens.
        for await (const line of follow.lines(['nft', 'monitor'], stop.signal)) {
          if (line.startsWith('trace ')) watch.lines.push(line);
          else if (line.includes(`add table inet ${endOf(id)}`)) watch.told.resolve();
          else if (line.includes(`add table inet ${table}`)) reading.resolve();
        }
        // nft 1.0.6 dies of some elements that it prints, ranges of ports of a policy's blocks for one: another takes over.
        await clock.sleep(againMs, stop.signal);
      }
    })().catch((error: unknown) => reading.reject(error));
    await this.#untilTold(table, watchScript(table, matches), reading.promise).catch((error: unknown) => {
      stop.abort();
      throw error;
    });
    return {};
  }

  /** Makes a table and waits until the monitor tells of it. Where none listens yet, or again, the table comes once more. */
  async #untilTold(table: string, script: string, told: Promise<void>): Promise<void> {
    const { exec, clock } = this.#tools;
    for (;;) {
      const { code, stderr } = await exec.run(['nft', '-f', '-'], { input: script });
      if (code !== 0) throw new Error(`nft: ${stderr.trim()}`);
      if (await Promise.race([told.then(() => true), clock.sleep(againMs).then(() => false)])) return;
      await exec.run(['nft', 'delete', 'table', 'inet', table]);
    }
  }

  async #send(send: Send) {
    const { exec, networkNamespaceOf } = this.#tools;
    const path = send.podAddress === undefined ? undefined : await networkNamespaceOf(send.podAddress);
    return sendPacket(exec, { ...send, inside: path === undefined ? [] : ['nsenter', `--net=${path}`] });
  }

  async #finish(id: string, watch: Watch, model: RulesModel): Promise<Seen> {
    const { exec } = this.#tools;
    // Whoever asks for the end knows that the packet is through. The kernel's news come in their order: when this one is there, the whole trace is.
    await this.#untilTold(endOf(id), `table inet ${endOf(id)} {}\n`, watch.told.promise);
    await exec.run(['nft', 'delete', 'table', 'inet', endOf(id)]);
    const [conntrack, rules] = await Promise.all([this.#flows(watch.matches), this.#rules(model)]);
    watch.stop.abort();
    return { trace: watch.lines, conntrack, ...rules };
  }

  async #connections(): Promise<Connections[]> {
    const lists = await Promise.all(
      ['ipv4', 'ipv6'].map((family) => this.#tools.exec.run(['conntrack', '-L', '--dst-nat', '-f', family])),
    );
    return countConnections(
      this.#nodeName,
      lists.flatMap(({ stdout }) => stdout.split('\n')),
    );
  }

  /** What came by; who asks for it goes on waiting. */
  #packets(id: string, watch: Watch): Passing[] {
    watch.end.cancel();
    watch.end = this.#tools.clock.after(longest, () => watch.stop.abort());
    const packets = readTrace(watch.lines, watchTableOf(id)).slice(0, mostPackets);
    return packets.map(({ source, destination, end }) => ({ source, destination, end }));
  }

  /** All matches are of one family and protocol. */
  async #flows(matches: readonly PacketMatch[]): Promise<string[]> {
    const [first] = matches;
    if (!first) return [];
    const { family, protocol } = first;
    const ports = matches.flatMap((match) => match.ports);
    const kind = family === 'IPv6' ? 'ipv6' : 'ipv4';
    const { stdout } = await this.#tools.exec.run(['conntrack', '-L', '-f', kind, '-p', protocol]);
    return stdout.split('\n').filter((line) => ports.some((port) => line.includes(`dport=${port} `)));
  }

  /** The model is loaded where nobody is, so that both are in the kernel's own words. */
  async #rules({ mode, family, text }: RulesModel): Promise<Pick<Seen, 'kernelRules' | 'modelRules'>> {
    if (mode === 'ipvs') return { kernelRules: [], modelRules: [] };
    const program = family === 'IPv6' ? 'ip6tables' : 'iptables';
    const [load, list] = mode === 'nftables' ? ['nft -f -', listTables] : [`${program}-restore`, `${program}-save`];
    const { exec } = this.#tools;
    const [kernel, made] = await Promise.all([
      exec.run(['sh', '-c', list]),
      exec.run(['unshare', '--net', 'sh', '-c', `${load} && { ${list}; }`], { input: text }),
    ]);
    if (made.code !== 0) throw new Error(`the model of this node's rules does not load: ${made.stderr.trim()}`);
    return { kernelRules: ours(mode, kernel.stdout), modelRules: ours(mode, made.stdout) };
  }
}

const listTables = 'for f in ip ip6; do nft -s list table $f portico-proxy; done';

/** Other programs have their rules in iptables' tables, too. */
function ours(mode: RulesModel['mode'], text: string): string[] {
  const lines = text.split(/\n|, (?=[\w.:]+ \. )/);
  return mode === 'nftables' ? lines : lines.filter((line) => /^-A (KUBE-|\S+ .*-j KUBE-)/.test(line));
}

/** Comes and goes after the last packet. */
const endOf = (id: string): string => `portico-end-${id}`;
