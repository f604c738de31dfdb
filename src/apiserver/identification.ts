// Says who asks, and as whom; from there on the request is told of in the audit log.
import { andThen, type Later } from '../apimachinery/later.ts';
import type { Authenticator } from './access-control.ts';
import type { Auditor } from './audit/auditor.ts';
import { NotAuditedError } from './audit/not-audited.ts';
import { attributesOf, type Exchange } from './exchange.ts';
import type { ApiMetrics } from './metrics/api-metrics.ts';
import { type ApiResponse, anonymousUser, type User } from './request.ts';

export interface IdentificationOptions {
  readonly authenticator: Authenticator;
  readonly auditor?: Auditor | undefined;
  readonly metrics: Pick<ApiMetrics, 'authentications' | 'auditLevels'>;
  /** The answer to who is refused, for the audit log. */
  readonly errorResponse: (error: unknown) => ApiResponse;
}

export class Identification {
  readonly #options: IdentificationOptions;

  constructor(options: IdentificationOptions) {
    this.#options = options;
  }

  /** The user that the request acts as. Throws a StatusError 401 for wrong credentials, a NotAuditedError where it may not go on. */
  identify(exchange: Exchange): Later<User> {
    return andThen(this.#authenticate(exchange), (asking) => {
      const { authenticator, auditor } = this.#options;
      const audited = auditor && this.#audit(exchange, auditor, asking);
      return andThen(audited, () => {
        const acting = authenticator.impersonate?.(exchange.request, attributesOf(exchange, asking));
        return andThen(acting, (found) => {
          if (found) exchange.trail?.impersonates(found);
          return found?.user ?? asking;
        });
      });
    });
  }

  #authenticate(exchange: Exchange): Later<User> {
    const { authenticator } = this.#options;
    const { request } = exchange;
    try {
      const found = request.trustedUser ?? authenticator.authenticate(request);
      if (!(found instanceof Promise)) return this.#known(exchange, found);
      return found.then(
        (user) => this.#known(exchange, user),
        (error) => this.#refuse(exchange, error),
      );
    } catch (error) {
      return this.#refuse(exchange, error);
    }
  }

  #known(exchange: Exchange, user: User = anonymousUser): User {
    exchange.isUnknown = user.name === anonymousUser.name;
    this.#options.metrics.authentications.with('success').add();
    return user;
  }

  #refuse(exchange: Exchange, error: unknown): never {
    const { metrics, auditor, errorResponse } = this.#options;
    exchange.isUnknown = true;
    metrics.authentications.with('failure').add();
    auditor?.refused({ ...exchange, info: exchange.named }, errorResponse(error));
    throw error;
  }

  /** A promise where the log must have the request before it is answered. */
  #audit(exchange: Exchange, auditor: Auditor, user: User): Later<void> {
    const trail = auditor.begin({ ...exchange, info: exchange.named, user });
    exchange.trail = trail;
    this.#options.metrics.auditLevels.with(trail?.level ?? 'None').add();
    if (!trail) return;
    exchange.request = trail.request;
    return trail.received?.then((isKept) => {
      if (isKept) return;
      exchange.trail = undefined;
      throw new NotAuditedError();
    });
  }
}
