// Admission whose steps are timed: both phases as a whole, and each plugin in them.
import type { Histogram, HistogramSeries } from '../../metrics/metric.ts';
import type { Clock } from '../../system/clock.ts';
import {
  Admission,
  type AdmissionOptions,
  type AdmissionPlugin,
  type AdmissionRequest,
  type AdmissionView,
} from '../admission/admission.ts';

export interface AdmissionDurations {
  /** Of a phase: operation, rejected, type. */
  readonly step: Histogram;
  /** Of a plugin in a phase: name, type, operation, rejected. */
  readonly plugin: Histogram;
}

export class MeteredAdmission extends Admission {
  readonly #clock: Clock;
  readonly #duration: Histogram;

  constructor(options: AdmissionOptions, durations: AdmissionDurations) {
    const { clock, plugins } = options;
    super({ ...options, plugins: plugins.map((plugin) => metered(plugin, durations.plugin, clock)) });
    this.#clock = clock;
    this.#duration = durations.step;
  }

  override admit(request: AdmissionRequest): Promise<void> {
    return this.#timed('admit', request, super.admit(request));
  }

  override validate(request: AdmissionRequest): Promise<void> {
    return this.#timed('validate', request, super.validate(request));
  }

  #timed(type: string, { operation }: AdmissionRequest, step: Promise<void>): Promise<void> {
    const started = this.#clock.now();
    const observe = (rejected: 'true' | 'false') =>
      this.#duration.with(operation, rejected, type).observe((this.#clock.now() - started) / 1000);
    // The caller has the step itself, so that it waits no longer for being timed.
    step.then(
      () => observe('false'),
      () => observe('true'),
    );
    return step;
  }
}

type Phase = 'admit' | 'validate';
type Step<T> = (subject: T, view: AdmissionView) => void | Promise<void>;

function metered(
  { name, admit, mutate, validate }: AdmissionPlugin,
  duration: Histogram,
  clock: Clock,
): AdmissionPlugin {
  const timed = <T>(phase: Phase, step: Step<T> | undefined, operationOf: (subject: T) => string) =>
    step && timedStep(step, operationOf, { clock, seriesOf: seriesOf(duration, name, phase) });
  const [admitStep, mutateStep, validateStep] = [
    timed<AdmissionRequest>('admit', admit, ({ operation }) => operation),
    timed<Parameters<NonNullable<typeof mutate>>[0]>('admit', mutate, ({ request }) => request.operation),
    timed<AdmissionRequest>('validate', validate, ({ operation }) => operation),
  ];
  return {
    name,
    ...(admitStep && { admit: admitStep }),
    ...(mutateStep && { mutate: mutateStep }),
    ...(validateStep && { validate: validateStep }),
  };
}

type SeriesOf = (operation: string, isRejected: boolean) => HistogramSeries;

/** Looked up once: a plugin is timed on every write. */
function seriesOf(duration: Histogram, name: string, phase: Phase): SeriesOf {
  const known = { true: new Map<string, HistogramSeries>(), false: new Map<string, HistogramSeries>() };
  return (operation, isRejected) => {
    const rejected = isRejected ? 'true' : 'false';
    let series = known[rejected].get(operation);
    if (!series) {
      series = duration.with(name, operation, rejected, phase);
      known[rejected].set(operation, series);
    }
    return series;
  };
}

function timedStep<T>(
  step: Step<T>,
  operationOf: (subject: T) => string,
  { clock, seriesOf }: { readonly clock: Clock; readonly seriesOf: SeriesOf },
): Step<T> {
  return (subject, view) => {
    const operation = operationOf(subject);
    const started = clock.now();
    const observe = (isRejected: boolean) => seriesOf(operation, isRejected).observe((clock.now() - started) / 1000);
    let waiting: void | Promise<void>;
    try {
      waiting = step(subject, view);
    } catch (error) {
      observe(true);
      throw error;
    }
    if (!waiting) {
      observe(false);
      return undefined;
    }
    // As above: nobody waits for the observation.
    waiting.then(
      () => observe(false),
      () => observe(true),
    );
    return waiting;
  };
}
