// Follows requests for the audit log: from the moment it is known who asks to the last byte of the answer.
import { errorMessage } from '../../apimachinery/error-message.ts';
import { formatMicroTime } from '../../apimachinery/time.ts';
import type { Clock } from '../../system/clock.ts';
import type { Impersonated } from '../access-control.ts';
import { userInfo } from '../authentication/reviews.ts';
import { negotiateStatus } from '../negotiation.ts';
import {
  type ApiRequest,
  type ApiResponse,
  isHijack,
  isPushed,
  type ResponseBody,
  requestUri,
  type Upgrade,
  type User,
} from '../request.ts';
import { isLongRunning, type RequestInfo } from '../request-info.ts';
import {
  type AuditEvent,
  completeReference,
  type ObjectReference,
  referenceOf,
  responseStatus,
  sourceIPs,
  userAgent,
  withoutAnyManagedFields,
} from './event.ts';
import { NotedRequest } from './noted-request.ts';
import { type AuditDecision, type AuditLevel, type AuditPolicy, type AuditStage, decide } from './policy.ts';
import { answeredObject, sentObject } from './sent-object.ts';

/**
 * Takes one line (without its end). Never throws; what cannot be written is counted and told elsewhere. A promise is of a backend
 * that requests wait for: whether the line was taken, where requests are refused for that.
 */
export type AuditSink = (line: string) => Promise<boolean> | undefined;

export interface AuditorOptions {
  readonly policy: AuditPolicy;
  readonly sink: AuditSink;
  readonly clock: Clock;
}

export interface AuditedRequest {
  readonly request: ApiRequest;
  readonly info: RequestInfo;
  /** Who asks, before they act as someone else. */
  readonly user: User;
  readonly auditID: string;
  /** When it came, as the clock's `monotonic`. */
  readonly received: number;
}

const anonymous: User = { name: '', groups: [] };

export class Auditor {
  readonly #options: AuditorOptions;

  constructor(options: AuditorOptions) {
    this.#options = options;
  }

  /** Undefined: the policy wants nothing told of this request. */
  begin(audited: AuditedRequest): AuditTrail | undefined {
    const decision = decide(this.#options.policy, audited.user, audited.info);
    if (decision.level === 'None') return undefined;
    const trail = new AuditTrail(audited, decision, this.#options);
    trail.received = trail.tell('RequestReceived');
    return trail;
  }

  /** A request that was refused before anyone knew who asks: one event, as upstream's. */
  refused(audited: Omit<AuditedRequest, 'user'>, response: ApiResponse): void {
    const decision = decide(this.#options.policy, anonymous, audited.info);
    if (decision.level === 'None') return;
    const trail = new AuditTrail({ ...audited, user: anonymous }, decision, this.#options);
    void trail.refused(response);
  }
}

type Answer = Pick<AuditEvent, 'responseStatus' | 'responseObject'>;

/** The events of one request. */
export class AuditTrail {
  /** Where the request is to wait until it is told of: false says that it may not go on. */
  received: Promise<boolean> | undefined;
  readonly #audited: AuditedRequest;
  /** The time of day at which it came. */
  readonly #came: string;
  readonly #decision: AuditDecision;
  readonly #options: Pick<AuditorOptions, 'sink' | 'clock'>;
  readonly #annotations: Record<string, string> = {};
  #reference: ObjectReference | undefined;
  #impersonated: Impersonated | undefined;
  readonly #noted: NotedRequest;
  #requestObject: unknown;
  #answer: Answer = {};

  constructor(audited: AuditedRequest, decision: AuditDecision, options: Pick<AuditorOptions, 'sink' | 'clock'>) {
    const { clock } = options;
    this.#audited = audited;
    this.#came = formatMicroTime(clock.now() - (clock.monotonic() - audited.received));
    this.#decision = decision;
    this.#options = options;
    this.#noted = new NotedRequest(audited.request, { isObjectWanted: decision.level !== 'Metadata' });
    this.#reference = referenceOf(audited.info);
  }

  /** The request whose body is noted as it is read. */
  get request(): ApiRequest {
    return this.#noted;
  }

  get level(): AuditLevel {
    return this.#decision.level;
  }

  impersonates(impersonated: Impersonated): void {
    this.#impersonated = impersonated;
  }

  /** A key may be said once: the first value stands, as upstream's. */
  annotate(key: string, value: string): void {
    this.#annotations[key] ??= value;
  }

  /** Tells of the answer: at once where it is whole, else when its last byte was handed over. */
  async answered(response: ApiResponse): Promise<ApiResponse> {
    await this.#readRequest();
    const { status, body } = response;
    this.#answer = { responseStatus: { metadata: {}, code: status } };
    if (isLongRunning(this.#audited.info)) {
      if (status >= 400) this.#answer = await this.#answerOf(response);
      await this.tell('ResponseStarted');
      return { ...response, body: this.#untilEnd(body, () => void this.tell('ResponseComplete')) };
    }
    if (typeof body === 'string' || body instanceof Uint8Array) {
      await this.#complete(response);
      return response;
    }
    const chunks: (string | Uint8Array)[] = [];
    const isWanted = this.#decision.level === 'RequestResponse';
    const note = isWanted ? (chunk: string | Uint8Array) => void chunks.push(chunk) : undefined;
    const end = () => this.#complete({ ...response, body: Buffer.concat(chunks.map((chunk) => Buffer.from(chunk))) });
    return { ...response, body: this.#untilEnd(body, end, note) };
  }

  /** The server failed in the middle of it: a bug of ours, or storage that is away. */
  panicked(error: unknown): void {
    const message = `APIServer panic'd: ${errorMessage(error)}`;
    const status = { metadata: {}, status: 'Failure', message, reason: 'InternalError', code: 500 };
    this.#answer = { responseStatus: status };
    void this.tell('Panic');
  }

  async refused(response: ApiResponse): Promise<void> {
    this.#answer = await this.#answerOf(response);
    await this.tell('ResponseStarted');
  }

  async #complete(response: ApiResponse): Promise<void> {
    this.#answer = await this.#answerOf(response);
    await this.tell('ResponseComplete');
  }

  async #answerOf(response: ApiResponse): Promise<Answer> {
    const { status } = response;
    const { info } = this.#audited;
    const isWhole = this.#decision.level === 'RequestResponse';
    // Upstream tells of what is answered as an object: of paths that are no resource only discovery is, and refusals.
    const isObject = info.isResource || status >= 400 || /^\/apis?(\/|$)/.test(info.path);
    // Who accepts no form of a Status is answered without the usual way of making answers.
    const isPlain = status >= 400 && !negotiateStatus(this.#audited.request.headers.accept);
    const mayBeStatus = status >= 400 || info.verb.startsWith('delete');
    const object = (isWhole || mayBeStatus) && isObject && !isPlain ? await answeredObject(response) : undefined;
    const kept = status >= 400 ? object : this.#kept(object);
    return {
      responseStatus: responseStatus(status, object),
      ...(isWhole && object !== undefined && { responseObject: kept }),
    };
  }

  /** Calls `end` once, when the body is over, however it ends. */
  #untilEnd(
    body: ResponseBody,
    end: () => void | Promise<void>,
    note?: (chunk: string | Uint8Array) => void,
  ): ResponseBody {
    if (isPushed(body)) return { pushTo: (sink) => body.pushTo(sink).finally(end) };
    if (isHijack(body)) {
      return {
        hijack(upgrade: Upgrade) {
          upgrade.socket.once('close', end);
          body.hijack(upgrade);
        },
      };
    }
    if (typeof body === 'string' || body instanceof Uint8Array) {
      void end();
      return body;
    }
    return noted(body, end, note);
  }

  async #readRequest(): Promise<void> {
    this.#requestObject = this.#noted.object ?? (await sentObject(this.#noted, this.#audited.info));
    if (this.#requestObject === undefined) return;
    if (this.#reference) this.#reference = completeReference(this.#reference, this.#requestObject);
  }

  #kept(object: unknown): unknown {
    return this.#decision.omitManagedFields ? withoutAnyManagedFields(object) : object;
  }

  /** Hands over the event of a stage, unless the policy leaves that stage out. */
  tell(stage: AuditStage): Promise<boolean> | undefined {
    const { level, omitStages } = this.#decision;
    if (omitStages.has(stage)) return undefined;
    const { request, info, user, auditID } = this.#audited;
    const { clock, sink } = this.#options;
    const ips = sourceIPs(request);
    const agent = userAgent(request);
    const event: AuditEvent = {
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      level,
      auditID,
      stage,
      requestURI: requestUri(request),
      verb: info.verb,
      user: user.name === '' ? {} : userInfo(user),
      ...(this.#impersonated && { impersonatedUser: userInfo(this.#impersonated.user) }),
      ...(this.#impersonated?.constraint && {
        authenticationMetadata: { impersonationConstraint: this.#impersonated.constraint },
      }),
      ...(ips.length > 0 && { sourceIPs: ips }),
      ...(agent && { userAgent: agent }),
      ...(this.#reference && { objectRef: this.#reference }),
      ...(stage !== 'RequestReceived' &&
        this.#answer.responseStatus && { responseStatus: this.#answer.responseStatus }),
      ...(level !== 'Metadata' &&
        this.#requestObject !== undefined && { requestObject: this.#kept(this.#requestObject) }),
      ...(this.#answer.responseObject !== undefined && { responseObject: this.#answer.responseObject }),
      requestReceivedTimestamp: this.#came,
      stageTimestamp: formatMicroTime(clock.now()),
      ...(stage !== 'RequestReceived' &&
        Object.keys(this.#annotations).length > 0 && { annotations: this.#annotations }),
    };
    return sink(JSON.stringify(event));
  }
}

async function* noted(
  body: AsyncIterable<string | Uint8Array>,
  end: () => void | Promise<void>,
  note: ((chunk: string | Uint8Array) => void) | undefined,
): AsyncGenerator<string | Uint8Array> {
  try {
    for await (const chunk of body) {
      note?.(chunk);
      yield chunk;
    }
  } finally {
    await end();
  }
}
