// The members of an etcd cluster as one: calls go to one of them, and to the next when that one fails.
import { GrpcClient, GrpcError, type GrpcTls, grpcCode, type Method } from '../../grpc/client.ts';
import { hostnameOf } from '../../net/ip.ts';
import type { Clock } from '../../system/clock.ts';
import type { Random } from '../../system/random.ts';

export interface EtcdOptions {
  /** `http://host:port` or `https://host:port`, of one or more members. */
  readonly endpoints: readonly string[];
  /** For https endpoints. */
  readonly tls?: GrpcTls;
  readonly clock: Clock;
  readonly random: Random;
}

/** Milliseconds for one try; a member that takes longer is cut off from the others or overloaded. */
const readTimeout = 3000;
const writeTimeout = 10_000;
/** Milliseconds that a call goes on trying: a member restarts within that. */
const patience = 15_000;
/** Milliseconds between rounds over all members. */
const pause = { first: 25, most: 1000 };
/** etcd ends connections that are pinged more often than every five seconds. */
const keepalive = 10_000;
/** Pages are kept far below this; one object can have 1.5 MiB unless etcd is told otherwise. */
const maxReceiveBytes = 256 << 20;
/** A member that has lost the others refuses such calls at once, instead of leaving them without an answer. */
const requireLeader = { hasleader: 'true' };

export interface CallKind {
  /** Calling twice does no more than calling once. */
  readonly idempotent: boolean;
  /** Milliseconds that the call is tried for. */
  readonly patience?: number;
}

/** Throws a one-line Error for what is no endpoint. */
function parseEndpoint(text: string): {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
} {
  const url = URL.parse(text);
  const secure = url?.protocol === 'https:';
  if (!url || !(secure || url.protocol === 'http:') || url.hostname === '' || url.pathname !== '/') {
    throw new Error(`${text} is no endpoint of etcd: must be http://HOST:PORT or https://HOST:PORT`);
  }
  return { host: hostnameOf(url), port: Number(url.port || 2379), secure };
}

export class Endpoints {
  readonly #members: readonly GrpcClient[];
  readonly #clock: Clock;
  readonly #random: Random;
  #current = 0;

  /** Throws a one-line Error for what is no endpoint, and where there is none. */
  constructor({ endpoints, tls = {}, clock, random }: EtcdOptions) {
    if (endpoints.length === 0)
      throw new Error('there must be an endpoint of etcd: http://HOST:PORT or https://HOST:PORT');
    this.#members = endpoints.map((text) => {
      const { host, port, secure } = parseEndpoint(text);
      return new GrpcClient({ host, port, ...(secure && { tls }) }, { maxReceiveBytes, keepalive });
    });
    this.#clock = clock;
    this.#random = random;
  }

  /**
   * Calls until one member answers. A call that is not idempotent is made again only when it certainly was not carried
   * out; otherwise it rejects with the GrpcError, and the caller does not know whether it was.
   */
  async call<In, Out>(method: Method<In, Out>, request: In, kind: CallKind): Promise<Out> {
    const end = this.#clock.monotonic() + (kind.patience ?? patience);
    const timeout = Math.min(kind.patience ?? patience, kind.idempotent ? readTimeout : writeTimeout);
    for (let failures = 0; ; ) {
      const member = this.#current;
      try {
        return await this.#members[member]!.unary(method, request, { timeout, headers: requireLeader });
      } catch (error) {
        const next = this.#leave(member, error);
        failures += 1;
        if (!next || !mayRepeat(error as GrpcError, kind) || this.#clock.monotonic() >= end) throw error;
        await this.#pause(failures);
      }
    }
  }

  /** One stream of one member; rejects with GrpcError when it breaks. The next one goes to another member. */
  async stream<In, Out>(
    method: Method<In, Out>,
    request: In,
    options: { readonly signal: AbortSignal; readonly onMessage: (message: Out) => void },
  ): Promise<void> {
    const member = this.#current;
    try {
      await this.#members[member]!.stream(method, request, { ...options, headers: requireLeader, holdsOpen: true });
    } catch (error) {
      if (!options.signal.aborted) this.#leave(member, error);
      throw error;
    }
  }

  /** Waits before the next try; not at all while there are members that were not tried yet. */
  async #pause(failures: number, signal?: AbortSignal): Promise<void> {
    const rounds = failures / this.#members.length;
    if (!Number.isInteger(rounds)) return;
    const wait = Math.min(pause.first * 2 ** (rounds - 1), pause.most);
    await this.#clock.sleep(wait / 2 + this.#random.int(wait), signal);
  }

  /** The same for streams: `failures` counts from the last one that worked. */
  async pauseStream(failures: number, signal: AbortSignal): Promise<void> {
    await this.#pause(failures, signal).catch(() => undefined);
  }

  close(): void {
    for (const member of this.#members) member.close();
  }

  /** Whether the error is of the member and not of the call; the next calls go to another member then. */
  #leave(member: number, error: unknown): boolean {
    if (!isUnavailable(error)) return false;
    if (this.#current === member) this.#current = (member + 1) % this.#members.length;
    return true;
  }
}

/** The error is of the member or of the way to it, not of the call. */
export function isUnavailable(error: unknown): error is GrpcError {
  const codes: readonly number[] = [grpcCode.unavailable, grpcCode.deadlineExceeded];
  return error instanceof GrpcError && codes.includes(error.code);
}

/** Where etcd says that it has no leader it has not proposed the call. Timeouts, also its own, leave that open. */
function mayRepeat(error: GrpcError, { idempotent }: CallKind): boolean {
  return idempotent || error.neverBegan || error.message === 'etcdserver: no leader';
}
