// Admission whose two steps are timed.

import type { Histogram } from '../../metrics/metric.ts';
import { Admission, type AdmissionOptions, type AdmissionRequest } from '../admission/admission.ts';

export class MeteredAdmission extends Admission {
  readonly #options: AdmissionOptions;
  readonly #duration: Histogram;

  constructor(options: AdmissionOptions, duration: Histogram) {
    super(options);
    this.#options = options;
    this.#duration = duration;
  }

  override admit(request: AdmissionRequest): Promise<void> {
    return this.#timed('admit', request, super.admit(request));
  }

  override validate(request: AdmissionRequest): Promise<void> {
    return this.#timed('validate', request, super.validate(request));
  }

  #timed(type: string, { operation }: AdmissionRequest, step: Promise<void>): Promise<void> {
    const { clock } = this.#options;
    const started = clock.now();
    const observe = (rejected: 'true' | 'false') =>
      this.#duration.with(operation, rejected, type).observe((clock.now() - started) / 1000);
    // The caller has the step itself, so that it waits no longer for being timed.
    step.then(
      () => observe('false'),
      () => observe('true'),
    );
    return step;
  }
}
