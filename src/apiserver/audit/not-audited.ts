/** What is to be told before it is done could not be told: the request goes no further (`--audit-webhook-mode=blocking-strict`). */
export class NotAuditedError extends Error {
  readonly kind = 'not-audited';

  constructor() {
    super('failed to store audit event');
  }
}
