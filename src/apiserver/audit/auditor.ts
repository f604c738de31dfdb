// Follows requests for the audit log: from the moment it is known who asks to the last byte of the answer.
import { formatMicroTime } from '../../apimachinery/time.ts';
import type { Clock } from '../../system/clock.ts';
import type { Random } from '../../system/random.ts';
import { userInfo } from '../authentication/reviews.ts';
import { mediaType, parseBody } from '../handlers/body.ts';
import { parseYaml } from '../handlers/yaml.ts';
import {
  type ApiRequest,
  type ApiResponse,
  isHijack,
  isPushed,
  type ResponseBody,
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
  withoutManagedFields,
} from './event.ts';
import { type AuditDecision, type AuditLevel, type AuditPolicy, type AuditStage, decide } from './policy.ts';

/** Takes one line (without its end). Never throws; what cannot be written is counted and told elsewhere. */
export type AuditSink = (line: string) => void;

export interface AuditorOptions {
  readonly policy: AuditPolicy;
  readonly sink: AuditSink;
  readonly clock: Clock;
  readonly random: Random;
}

export interface AuditedRequest {
  readonly request: ApiRequest;
  readonly info: RequestInfo;
  /** Who asks, before they act as someone else. */
  readonly user: User;
  readonly auditID: string;
  /** Milliseconds since the epoch. */
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
    trail.tell('RequestReceived');
    return trail;
  }

  /** A request whose credentials were wrong: one event, as upstream's. */
  refused(audited: Omit<AuditedRequest, 'user'>, response: ApiResponse): void {
    const decision = decide(this.#options.policy, anonymous, audited.info);
    if (decision.level === 'None') return;
    const trail = new AuditTrail({ ...audited, user: anonymous }, decision, this.#options);
    trail.refused(response.status, 'Authentication failed, attempted: bearer');
  }
}

/** The events of one request. */
export class AuditTrail {
  readonly #audited: AuditedRequest;
  readonly #decision: AuditDecision;
  readonly #options: Pick<AuditorOptions, 'sink' | 'clock'>;
  readonly #annotations: Record<string, string> = {};
  #reference: ObjectReference | undefined;
  #impersonated: User | undefined;
  readonly #noted: NotedRequest;
  #requestObject: unknown;
  #answer: Pick<AuditEvent, 'responseStatus' | 'responseObject'> = {};

  constructor(audited: AuditedRequest, decision: AuditDecision, options: Pick<AuditorOptions, 'sink' | 'clock'>) {
    this.#audited = audited;
    this.#decision = decision;
    this.#options = options;
    this.#noted = new NotedRequest(audited.request);
    this.#reference = referenceOf(audited.info);
  }

  /** The request whose body is noted as it is read. */
  get request(): ApiRequest {
    return this.#noted;
  }

  get level(): AuditLevel {
    return this.#decision.level;
  }

  impersonates(user: User): void {
    this.#impersonated = user;
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
      this.tell('ResponseStarted');
      return { ...response, body: this.#untilEnd(body, () => this.tell('ResponseComplete')) };
    }
    const wanted = this.#decision.level === 'RequestResponse';
    if (typeof body === 'string' || body instanceof Uint8Array) {
      this.#complete(response, body);
      return response;
    }
    const chunks: (string | Uint8Array)[] = [];
    const note = wanted ? (chunk: string | Uint8Array) => void chunks.push(chunk) : undefined;
    const end = () => this.#complete(response, Buffer.concat(chunks.map((chunk) => Buffer.from(chunk))));
    return { ...response, body: this.#untilEnd(body, end, note) };
  }

  /** The server failed in the middle of it: a bug of ours, or storage that is away. */
  panicked(error: unknown): void {
    const message = `APIServer panic'd: ${error instanceof Error ? error.message : String(error)}`;
    const status = { metadata: {}, status: 'Failure', message, reason: 'InternalError', code: 500 };
    this.#answer = { responseStatus: status };
    this.tell('Panic');
  }

  refused(code: number, message: string): void {
    this.#answer = { responseStatus: { metadata: {}, status: 'Failure', message, reason: 'Unauthorized', code } };
    this.tell('ResponseStarted');
  }

  #complete({ status, headers }: ApiResponse, body: string | Uint8Array): void {
    const isJson = String(headers['content-type'] ?? '').startsWith('application/json');
    const isWanted = this.#decision.level === 'RequestResponse' || status >= 400;
    const object = isJson && isWanted ? parsed(body) : undefined;
    const isStatus = status >= 400;
    this.#answer = {
      responseStatus: responseStatus(status, object),
      ...(this.#decision.level === 'RequestResponse' &&
        object !== undefined && { responseObject: isStatus ? object : this.#kept(object) }),
    };
    this.tell('ResponseComplete');
  }

  /** Calls `end` once, when the body is over, however it ends. */
  #untilEnd(body: ResponseBody, end: () => void, note?: (chunk: string | Uint8Array) => void): ResponseBody {
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
      end();
      return body;
    }
    return noted(body, end, note);
  }

  async #readRequest(): Promise<void> {
    if (!this.#noted.sent?.length) return;
    this.#requestObject = await sentObject(this.#noted);
    if (this.#reference) this.#reference = completeReference(this.#reference, this.#requestObject);
  }

  #kept(object: unknown): unknown {
    return this.#decision.omitManagedFields ? withoutManagedFields(object) : object;
  }

  /** Hands over the event of a stage, unless the policy leaves that stage out. */
  tell(stage: AuditStage): void {
    const { level, omitStages } = this.#decision;
    if (omitStages.has(stage)) return;
    const { request, info, user, auditID, received } = this.#audited;
    const { clock, sink } = this.#options;
    const ips = sourceIPs(request);
    const query = request.query.size > 0 ? `?${request.query}` : '';
    const agent = request.headers['user-agent'];
    const event: AuditEvent = {
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      level,
      auditID,
      stage,
      requestURI: request.path + query,
      verb: info.verb,
      user: user.name === '' ? {} : userInfo(user),
      ...(this.#impersonated && { impersonatedUser: userInfo(this.#impersonated) }),
      ...(ips.length > 0 && { sourceIPs: ips }),
      ...(agent && { userAgent: agent }),
      ...(this.#reference && { objectRef: this.#reference }),
      ...(stage !== 'RequestReceived' &&
        this.#answer.responseStatus && { responseStatus: this.#answer.responseStatus }),
      ...(level !== 'Metadata' &&
        this.#requestObject !== undefined && { requestObject: this.#kept(this.#requestObject) }),
      ...(this.#answer.responseObject !== undefined && { responseObject: this.#answer.responseObject }),
      requestReceivedTimestamp: formatMicroTime(received),
      stageTimestamp: formatMicroTime(clock.now()),
      ...(stage !== 'RequestReceived' &&
        Object.keys(this.#annotations).length > 0 && { annotations: this.#annotations }),
    };
    sink(JSON.stringify(event));
  }
}

async function* noted(
  body: AsyncIterable<string | Uint8Array>,
  end: () => void,
  note: ((chunk: string | Uint8Array) => void) | undefined,
): AsyncGenerator<string | Uint8Array> {
  try {
    for await (const chunk of body) {
      note?.(chunk);
      yield chunk;
    }
  } finally {
    end();
  }
}

function parsed(body: string | Uint8Array): unknown {
  try {
    return JSON.parse(typeof body === 'string' ? body : Buffer.from(body).toString());
  } catch {
    return undefined;
  }
}

/** The body as the object (or patch) it is; undefined for what cannot be read, which the answer complains about. */
async function sentObject(request: NotedRequest): Promise<unknown> {
  try {
    if (!mediaType(request).includes('patch')) return (await parseBody(request)).value;
    const text = Buffer.from(await request.body()).toString();
    return mediaType(request).endsWith('yaml') ? (await parseYaml(text)).value : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A request that keeps what was read of its body. */
class NotedRequest implements ApiRequest {
  readonly #request: ApiRequest;
  /** What was read; undefined until then. */
  sent: Uint8Array | undefined;

  constructor(request: ApiRequest) {
    this.#request = request;
  }

  get method(): string {
    return this.#request.method;
  }
  get path(): string {
    return this.#request.path;
  }
  get query(): URLSearchParams {
    return this.#request.query;
  }
  get headers(): ApiRequest['headers'] {
    return this.#request.headers;
  }
  get signal(): AbortSignal {
    return this.#request.signal;
  }
  // Optional fields that may be absent are read through as they are.
  get stream(): NonNullable<ApiRequest['stream']> {
    return this.#request.stream as NonNullable<ApiRequest['stream']>;
  }
  get remoteAddress(): string {
    return this.#request.remoteAddress as string;
  }
  get clientCertificate(): NonNullable<ApiRequest['clientCertificate']> {
    return this.#request.clientCertificate as NonNullable<ApiRequest['clientCertificate']>;
  }
  get trustedUser(): User {
    return this.#request.trustedUser as User;
  }
  get upgrade(): Upgrade {
    return this.#request.upgrade as Upgrade;
  }

  async body(): Promise<Uint8Array> {
    this.sent ??= await this.#request.body();
    return this.sent;
  }
}
