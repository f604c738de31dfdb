// Admission whose steps are timed: both phases as a whole, and each plugin in them.
import type { Later } from '../../apimachinery/later.ts';
import type { Histogram, HistogramSeries } from '../../metrics/metric.ts';
import type { Clock } from '../../system/clock.ts';
import {
  Admission,
  type AdmissionOptions,
  type AdmissionPlugin,
  type AdmissionRequest,
  type AdmissionRound,
  type Step,
} from '../admission/admission.ts';

export interface AdmissionDurations {
  /** Of a phase: operation, rejected, type. */
  readonly step: Histogram;
  /** Of a plugin in a phase: name, type, operation, rejected. */
  readonly plugin: Histogram;
}

type Phase = 'admit' | 'validate';

export class MeteredAdmission extends Admission {
  readonly #laps: Laps;
  readonly #admit: Step<AdmissionRequest>;
  readonly #validate: Step<AdmissionRequest>;

  constructor(options: AdmissionOptions, { step, plugin }: AdmissionDurations) {
    const laps = new Laps(options.clock);
    super({ ...options, plugins: options.plugins.map((one) => metered(one, plugin, laps)) });
    const series = (type: Phase) => keptSeries((operation, rejected) => step.with(operation, rejected, type));
    this.#laps = laps;
    this.#admit = timed((request) => super.admit(request), operationOf, { laps, series: series('admit') });
    this.#validate = timed((request) => super.validate(request), operationOf, { laps, series: series('validate') });
  }

  override admit(request: AdmissionRequest): Later<void> {
    this.#laps.begin();
    return this.#admit(request, this.view);
  }

  override validate(request: AdmissionRequest): Later<void> {
    this.#laps.begin();
    return this.#validate(request, this.view);
  }
}

/** Time in laps, as steps follow each other: where one ends the next begins, and the clock is read once for both. */
class Laps {
  readonly #clock: Clock;
  #at = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** When the lap under way began, as the clock's `monotonic`. */
  get at(): number {
    return this.#at;
  }

  begin(): void {
    this.#at = this.#clock.monotonic();
  }

  /** Ends the lap; seconds since `start`. */
  secondsSince(start: number): number {
    this.begin();
    return (this.#at - start) / 1000;
  }
}

type SeriesOf = (operation: string, isRejected: boolean) => HistogramSeries;

interface Timing {
  readonly laps: Laps;
  readonly series: SeriesOf;
}

const operationOf = ({ operation }: AdmissionRequest): string => operation;
const operationIn = ({ request }: AdmissionRound): string => request.operation;

function metered(
  { admit, mutate, validate, ...plugin }: AdmissionPlugin,
  duration: Histogram,
  laps: Laps,
): AdmissionPlugin {
  const timing = (phase: Phase): Timing => ({
    laps,
    series: keptSeries((operation, rejected) => duration.with(plugin.name, operation, rejected, phase)),
  });
  return {
    ...plugin,
    ...(admit && { admit: timed(admit, operationOf, timing('admit')) }),
    ...(mutate && { mutate: timed(mutate, operationIn, timing('admit')) }),
    ...(validate && { validate: timed(validate, operationOf, timing('validate')) }),
  };
}

/** Series looked up once: a plugin is timed on every write. */
function keptSeries(series: (operation: string, rejected: 'true' | 'false') => HistogramSeries): SeriesOf {
  const known = { true: new Map<string, HistogramSeries>(), false: new Map<string, HistogramSeries>() };
  return (operation, isRejected) => {
    const rejected = isRejected ? 'true' : 'false';
    let found = known[rejected].get(operation);
    if (!found) {
      found = series(operation, rejected);
      known[rejected].set(operation, found);
    }
    return found;
  };
}

function timed<T>(step: Step<T>, operation: (subject: T) => string, { laps, series }: Timing): Step<T> {
  // Apart, so that a step that is over at once, as most are, makes no closures.
  const observeLater = (waiting: Promise<void>, subject: T, started: number) => {
    const observe = (isRejected: boolean) => series(operation(subject), isRejected).observe(laps.secondsSince(started));
    waiting.then(
      () => observe(false),
      () => observe(true),
    );
  };
  return (subject, view) => {
    const started = laps.at;
    let waiting: Later<void>;
    try {
      waiting = step(subject, view);
    } catch (error) {
      series(operation(subject), true).observe(laps.secondsSince(started));
      throw error;
    }
    // The caller has the step itself, so that it waits no longer for being timed.
    if (waiting) observeLater(waiting, subject, started);
    else series(operation(subject), false).observe(laps.secondsSince(started));
    return waiting;
  };
}
