// Upstreams that serve the same names: asked in their order, those that fail after the others, until a check finds them
// well again; those that lead back here not at all.
import { errorMessage } from '../../apimachinery/error-message.ts';
import type { Clock, Timer } from '../../system/clock.ts';
import type { ForwardMetrics } from '../metrics/forward-metrics.ts';
import { CLASS_IN, type Message, RCODE, rcodeText, TYPE } from '../wire/message.ts';
import type { Ask } from './exchange.ts';
import type { LoopToken } from './loop-token.ts';
import type { ForwardQuestion } from './query.ts';
import { type Upstream, upstreamText } from './upstream.ts';

/** Milliseconds between checks of an upstream that failed, and of one that leads back here. */
const checkMs = 500;
const loopCheckMs = 30_000;
/** What all tries for one question may take together; clients give up after five seconds (resolv.conf(5)). */
const deadlineMs = 4500;

const healthQuestion: ForwardQuestion = { name: '.', type: TYPE.NS, class: CLASS_IN };

export interface UpstreamPoolOptions {
  readonly upstreams: readonly Upstream[];
  readonly ask: Ask;
  readonly clock: Clock;
  readonly metrics: ForwardMetrics;
  readonly loopToken: LoopToken;
  /** One line of what happens to upstreams. */
  readonly log: (message: string) => void;
}

interface Member {
  readonly upstream: Upstream;
  readonly text: string;
  state: 'well' | 'failed' | 'loops';
  timer: Timer | undefined;
}

export class UpstreamPool {
  readonly #options: UpstreamPoolOptions;
  readonly #members: readonly Member[];
  #closed = false;

  constructor(options: UpstreamPoolOptions) {
    this.#options = options;
    this.#members = options.upstreams.map((upstream) => ({
      upstream,
      text: upstreamText(upstream),
      state: 'well',
      timer: undefined,
    }));
  }

  /** The first useful reply, else the last of any kind; undefined when none came. */
  async ask(question: ForwardQuestion): Promise<Message | undefined> {
    const { clock, metrics } = this.#options;
    const end = clock.monotonic() + deadlineMs;
    const order = this.#order();
    if (order.length > 0 && order.every(({ state }) => state === 'failed')) metrics.broken.add();
    let last: Message | undefined;
    // A single server is asked twice: a packet may be lost.
    for (const member of order.length === 1 ? [...order, ...order] : order) {
      const reply = await this.#askMember(member, question);
      last = reply ?? last;
      // SERVFAIL and REFUSED may be this server's own trouble: the next one may know.
      if (reply && reply.rcode !== RCODE.SERVFAIL && reply.rcode !== RCODE.REFUSED) return reply;
      if (clock.monotonic() >= end || (reply && order.length === 1)) break;
    }
    return last;
  }

  /** Asks each upstream a name that nobody else asks: where that question comes back here, the upstream leads in a circle. */
  async checkLoops(): Promise<void> {
    await Promise.all(this.#members.map((member) => this.#checkLoop(member)));
  }

  close(): void {
    this.#closed = true;
    for (const { timer } of this.#members) timer?.cancel();
  }

  #order(): Member[] {
    const usable = this.#members.filter(({ state }) => state !== 'loops');
    return usable.toSorted((a, b) => Number(a.state === 'failed') - Number(b.state === 'failed'));
  }

  async #askMember(member: Member, question: ForwardQuestion): Promise<Message | undefined> {
    const { ask, metrics } = this.#options;
    const started = performance.now();
    try {
      const reply = await ask(member.upstream, question);
      metrics.answered(member.text, rcodeText(reply.rcode), (performance.now() - started) / 1000);
      if (member.state === 'failed') this.#recovered(member);
      return reply;
    } catch (error) {
      this.#failed(member, error);
      return undefined;
    }
  }

  #failed(member: Member, error: unknown): void {
    this.#options.metrics.failed(member.text);
    if (this.#closed || member.state !== 'well') return;
    member.state = 'failed';
    this.#options.log(`upstream ${member.text} failed: ${errorMessage(error)}`);
    this.#checkLater(member, checkMs);
  }

  #recovered(member: Member): void {
    member.state = 'well';
    member.timer?.cancel();
    this.#options.log(`upstream ${member.text} answers again`);
    void this.#checkLoop(member);
  }

  #checkLater(member: Member, delay: number): void {
    if (this.#closed) return;
    member.timer?.cancel();
    member.timer = this.#options.clock.after(delay, () => {
      void (member.state === 'loops' ? this.#checkLoop(member) : this.#checkHealth(member));
    });
  }

  /** Any reply will do: what matters is that there is somebody. */
  async #checkHealth(member: Member): Promise<void> {
    try {
      await this.#options.ask(member.upstream, healthQuestion);
      if (member.state === 'failed' && !this.#closed) this.#recovered(member);
    } catch {
      this.#options.metrics.healthCheckFailed(member.text);
      if (member.state === 'failed') this.#checkLater(member, checkMs);
    }
  }

  async #checkLoop(member: Member): Promise<void> {
    const { ask, loopToken, log } = this.#options;
    try {
      const reply = await ask(member.upstream, loopToken.question());
      const loops = loopToken.isOurs(reply);
      if (this.#closed) return;
      if (loops && member.state !== 'loops') log(`upstream ${member.text} leads back here: it is not asked`);
      if (!loops && member.state === 'loops') log(`upstream ${member.text} no longer leads back here`);
      if (loops) member.state = 'loops';
      else if (member.state === 'loops') member.state = 'well';
      if (loops) this.#checkLater(member, loopCheckMs);
    } catch (error) {
      if (member.state === 'loops') this.#checkLater(member, loopCheckMs);
      else this.#failed(member, error);
    }
  }
}
