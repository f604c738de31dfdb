// The loop of the announcing node: hears who is alive, decides who answers for what, and puts addresses on the wire.
import { internalIPs, isNodeReady } from '../api/core/v1/node/facts.ts';
import { servesLoadBalancers } from '../api/core/v1/service/load-balancer.ts';
import type { Node } from '../api/core/v1/types.generated.ts';
import { announcedByAnnotation } from '../api/portico/v1/load-balancer-pool.ts';
import type { EventRecorder } from '../client/events.ts';
import { reportOnce } from '../client/report-once.ts';
import { nodes, services } from '../client/resources.ts';
import type { Client, Informer, Informers } from '../client/types.ts';
import { canonicalIP } from '../net/ip.ts';
import type { Clock } from '../system/clock.ts';
import type { Exec } from '../system/exec.ts';
import { Wakeup } from '../system/wakeup.ts';
import { AnnouncedServices } from './announced-services.ts';
import { announcement, frameLength } from './frames.ts';
import { type HeartbeatSocket, openHeartbeatSocket } from './heartbeat.ts';
import { type Link, linkFor, networksOf, parseLinks, putAddress, removeAddress } from './links.ts';
import { decodeHeartbeat, encodeHeartbeat, heartbeatInterval, Membership, silenceLimit } from './membership.ts';
import { type AnnouncedService, announcerOf, type Peer } from './plan.ts';

export interface AnnouncerOptions {
  readonly client: Client;
  readonly informers: Informers;
  readonly exec: Exec;
  readonly clock: Clock;
  readonly recorder: EventRecorder;
  readonly nodeName: string;
  readonly log: (message: string) => void;
  /** Default: {@link openHeartbeatSocket}. */
  readonly openSocket?: typeof openHeartbeatSocket;
}

/** Milliseconds after which an address's lifetime is renewed, several times before it ends. */
const renewal = 1500;
/** An address is told of again after so many milliseconds: frames get lost, and a switch may still learn. */
const repeats = [500, 1500, 3500];
const retryDelay = 1000;
const recordRetry = 3000;

/** What this node answers for. */
interface Held {
  /** The Service's, as they were when it came here. */
  readonly ips: readonly string[];
  /** Those of them that a link can carry. */
  readonly addresses: readonly { readonly ip: string; readonly link: Link }[];
  readonly term: number;
  readonly since: number;
  told: number;
  /** When to say on the Service that it is here, unless that stands there by then. */
  recordAt: number;
}

export class Announcer {
  readonly #options: AnnouncerOptions;
  readonly #nodes: Informer<Node>;
  readonly #announced: AnnouncedServices;
  readonly #failed: (error: unknown, what: string) => void;
  #membership = new Membership();
  #held = new Map<string, Held>();
  #links: readonly Link[] = [];
  #openedAt = 0;
  #renewedAt = 0;
  readonly #wakeup = new Wakeup();

  constructor(options: AnnouncerOptions) {
    this.#options = options;
    this.#nodes = options.informers.informer<Node>(nodes);
    this.#failed = reportOnce(options.log, options.clock);
    this.#announced = new AnnouncedServices(options.informers, () => this.#wakeup.wake());
  }

  /** Runs until the signal aborts; then gives up its addresses, so that another node takes over at once. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    try {
      await Promise.all([this.#announced.run(signal), this.#nodes.synced(signal)]);
      while (!signal.aborted) {
        await this.#untilNeeded(signal);
        if (signal.aborted) return;
        await this.#announce(signal).catch((error: unknown) => {
          if (!signal.aborted) this.#failed(error, 'load balancers');
        });
        if (!signal.aborted) await clock.sleep(retryDelay, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #untilNeeded(signal: AbortSignal): Promise<void> {
    while (this.#announced.all.size === 0 && !signal.aborted) await this.#wakeup.wait(signal);
  }

  /** Ends when there is nothing to announce any more. */
  async #announce(signal: AbortSignal): Promise<void> {
    const { clock, exec, nodeName } = this.#options;
    const own = this.#internalIPs(nodeName);
    const [address] = own;
    if (!address) throw new Error(`the node ${nodeName} has no address yet`);
    this.#links = parseLinks((await exec.run(['ip', '-json', 'address', 'show'])).stdout);
    this.#membership = new Membership();
    const open = this.#options.openSocket ?? openHeartbeatSocket;
    const socket = await open(address, (packet, from) => this.#hear(packet, from));
    this.#openedAt = clock.monotonic();
    try {
      while (!signal.aborted && (this.#announced.all.size > 0 || this.#held.size > 0)) {
        await this.#sync();
        this.#beat(socket);
        await this.#wakeup.wait(signal, { clock, ms: heartbeatInterval });
      }
    } finally {
      await this.#release([...this.#held.keys()]).finally(() => {
        this.#beat(socket, { leaves: true });
        socket.close();
      });
    }
  }

  /** Believed only from an address of the node that it names. */
  #hear(packet: string, from: string): void {
    const heartbeat = decodeHeartbeat(packet);
    if (!heartbeat || heartbeat.node === this.#options.nodeName) return;
    if (!this.#internalIPs(heartbeat.node).includes(canonicalIP(from) ?? from)) return;
    this.#membership.hear(heartbeat, this.#options.clock.monotonic());
    const isContested = Object.keys(heartbeat.claims).some((key) => this.#held.has(key));
    if (heartbeat.leaves || isContested) this.#wakeup.wake();
    // Neighbors may believe the other: tell them again.
    if (isContested) for (const key of Object.keys(heartbeat.claims)) this.#tellAgain(key);
  }

  #tellAgain(key: string): void {
    const held = this.#held.get(key);
    if (held) held.told = 0;
  }

  #beat(socket: HeartbeatSocket, how: { readonly leaves?: true } = {}): void {
    const others = this.#nodes.lister.list().filter(({ metadata }) => metadata.name !== this.#options.nodeName);
    const to = others.flatMap(({ metadata }) => this.#internalIPs(metadata.name).slice(0, 1));
    socket.send(encodeHeartbeat({ ...this.#self(), ...how }), to);
  }

  #self(): Peer {
    const { nodeName } = this.#options;
    const claims = new Map([...this.#held].map(([key, { term }]) => [key, term]));
    return { node: nodeName, networks: networksOf(this.#links, this.#internalIPs(nodeName)), claims };
  }

  /** In the first moments nobody was heard of yet: whoever is Ready counts as alive. */
  #peers(eligible: ReadonlySet<string>): Peer[] {
    const now = this.#options.clock.monotonic();
    const heard = [this.#self(), ...this.#membership.alive(now)];
    if (now - this.#openedAt > silenceLimit) return heard;
    const silent = [...eligible].filter((node) => heard.every((peer) => peer.node !== node));
    return [...heard, ...silent.map((node) => ({ node, networks: heard[0]?.networks ?? [], claims: new Map() }))];
  }

  async #sync(): Promise<void> {
    const { clock, nodeName } = this.#options;
    const eligible = new Set(
      this.#nodes.lister.list().flatMap((node) => (mayAnnounce(node) ? [node.metadata.name] : [])),
    );
    const view = { peers: this.#peers(eligible), eligible };
    const wanted = [...this.#announced.all.values()].filter((service) => announcerOf(service, view) === nodeName);
    const isWanted = (key: string, { ips }: Held) =>
      wanted.some((service) => service.key === key && service.addresses.join() === ips.join());
    const fresh = wanted.filter(({ key }) => !this.#held.has(key));
    await this.#release([...this.#held].filter(([key, held]) => !isWanted(key, held)).map(([key]) => key));
    for (const service of wanted) if (!this.#held.has(service.key)) this.#hold(service, clock.monotonic());
    if (fresh.length > 0 || clock.monotonic() - this.#renewedAt >= renewal) await this.#renew(clock.monotonic());
    await this.#tell(clock.monotonic());
    for (const service of wanted) this.#record(service, clock.monotonic());
    for (const service of fresh) this.#tellPeople(service);
    this.#membership.keepTerms(new Set(this.#announced.all.keys()));
  }

  #hold({ key, addresses }: AnnouncedService, now: number): void {
    const own = this.#internalIPs(this.#options.nodeName);
    const placed = addresses.flatMap((ip) => {
      const link = linkFor(ip, this.#links, own);
      return link ? [{ ip, link }] : [];
    });
    this.#held.set(key, {
      ips: addresses,
      addresses: placed,
      term: this.#membership.termOf(key) + 1,
      since: now,
      told: 0,
      recordAt: now,
    });
    const linkless = addresses.filter((ip) => placed.every((one) => one.ip !== ip));
    const but = linkless.length === 0 ? '' : `, but no Ethernet link of this node can carry ${linkless.join(', ')}`;
    this.#options.log(`load balancers: ${addresses.join(', ')} of ${key} are answered for here${but}`);
  }

  async #release(keys: readonly string[]): Promise<void> {
    const lines = keys.flatMap((key) =>
      (this.#held.get(key)?.addresses ?? []).map(({ ip, link }) => removeAddress(ip, link.name)),
    );
    for (const key of keys) this.#held.delete(key);
    await this.#ip(lines);
  }

  async #renew(now: number): Promise<void> {
    this.#renewedAt = now;
    await this.#ip(
      [...this.#held.values()].flatMap(({ addresses }) => addresses.map((a) => putAddress(a.ip, a.link.name))),
    );
  }

  async #ip(lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return;
    const input = `${lines.join('\n')}\n`;
    const { code, stderr } = await this.#options.exec.run(['ip', '-force', '-batch', '-'], { input });
    // Deleting what its lifetime has ended already is no failure.
    const complaint = stderr.split('\n').find((line) => line !== '' && !/Cannot assign|^Command failed/.test(line));
    if (code !== 0 && complaint) this.#options.log(`load balancers: ip: ${complaint}`);
  }

  /** Tells the segment of what is new here, and again a few times. */
  async #tell(now: number): Promise<void> {
    const frames = new Map<string, Buffer[]>();
    for (const held of this.#held.values()) {
      const due = held.told === 0 || (repeats[held.told - 1] ?? Number.POSITIVE_INFINITY) <= now - held.since;
      if (!due) continue;
      held.told += 1;
      for (const { ip, link } of held.addresses) {
        frames.set(link.name, [...(frames.get(link.name) ?? []), ...announcement(ip, link.mac)]);
      }
    }
    for (const [link, all] of frames) {
      const command = ['socat', '-u', '-b', String(frameLength), '-', `INTERFACE:${link}`];
      const { code, stderr } = await this.#options.exec.run(command, { input: Buffer.concat(all) });
      if (code !== 0) this.#options.log(`load balancers: socat: ${stderr.trim().split('\n')[0]}`);
    }
  }

  /** Says on the Service who answers, until the API server has heard it. */
  #record({ key, recorded }: AnnouncedService, now: number): void {
    const { client, nodeName } = this.#options;
    const service = this.#announced.service(key);
    const held = this.#held.get(key);
    if (!service || !held) return;
    // Once it was heard, a later word is that of a node that took over and that this one cannot hear.
    if (recorded === nodeName) held.recordAt = Number.POSITIVE_INFINITY;
    if (now < held.recordAt) return;
    held.recordAt = now + recordRetry;
    const { name, namespace = '', uid } = service.metadata;
    const body = { metadata: { uid, annotations: { [announcedByAnnotation]: nodeName } } };
    client
      .resource(services)
      .patch({ name, namespace, type: 'merge', body }, { subresource: 'status' })
      .catch((error: unknown) => this.#failed(error, `load balancers: ${key}`));
  }

  #tellPeople({ key, addresses, recorded }: AnnouncedService): void {
    const { recorder, nodeName } = this.#options;
    const service = this.#announced.service(key);
    if (!service || recorded === nodeName) return;
    const message = `${nodeName} answers for ${addresses.join(', ')}`;
    recorder.event(
      { ...service, apiVersion: 'v1', kind: 'Service' },
      { type: 'Normal', reason: 'LoadBalancerAnnounced', message },
    );
  }

  #internalIPs(nodeName: string): string[] {
    return internalIPs(this.#nodes.lister.get(nodeName) ?? {}).flatMap((ip) => canonicalIP(ip) ?? []);
  }
}

function mayAnnounce(node: Readonly<Node>): boolean {
  return isNodeReady(node) && servesLoadBalancers(node);
}
