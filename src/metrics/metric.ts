// Counters, gauges and histograms with labels, and their text (Prometheus exposition format 0.0.4). A series is looked up
// once by its label values and then only added to.

import { printedFloat } from '../apimachinery/json/go-text.ts';

/** Of the text, as upstream's components say. */
export const metricsContentType = 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores';

/** As Go's client prints them: who asks for the bucket `le="1e+06"` finds it. */
function printed(value: number): string {
  if (Number.isFinite(value)) return printedFloat(value);
  return Number.isNaN(value) ? 'NaN' : value < 0 ? '-Inf' : '+Inf';
}

/** Prints one family: its HELP, TYPE and samples. */
export interface Family {
  print(): string;
}

export interface FamilyOptions {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function labelText(names: readonly string[], values: readonly string[]): string {
  return names.map((name, i) => `${name}="${escaped(values[i] ?? '')}"`).join(',');
}

function header({ name, help }: FamilyOptions, type: string): string {
  return `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type}\n`;
}

/** A number that goes up (counters), or up and down (gauges). */
export class NumberSeries {
  value = 0;

  add(amount = 1): void {
    this.value += amount;
  }

  set(value: number): void {
    this.value = value;
  }
}

const keyOf = (values: readonly string[]): string => (values.length === 1 ? values[0]! : values.join('\u0000'));

interface LabelledSeries<T> {
  readonly values: readonly string[];
  readonly labels: string;
  readonly series: T;
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  for (let i = 0; i < b.length; i++) if (a[i] !== b[i]) return false;
  return a.length === b.length;
}

abstract class LabelledFamily<T> implements Family {
  protected readonly options: FamilyOptions;
  readonly #series = new Map<string, LabelledSeries<T>>();
  /** Mostly the same is asked for again: then no key is made, which would be looked up by what is in it. */
  #last: LabelledSeries<T> | undefined;

  constructor(options: FamilyOptions) {
    this.options = options;
  }

  protected abstract make(): T;
  protected abstract printSeries(labels: string, series: T): string;
  protected abstract readonly type: string;

  /** The series of these label values, in the order of the label names. */
  with(...values: readonly string[]): T {
    if (this.#last && isSame(this.#last.values, values)) return this.#last.series;
    const key = keyOf(values);
    let found = this.#series.get(key);
    if (!found) {
      found = { values, labels: labelText(this.options.labels ?? [], values), series: this.make() };
      this.#series.set(key, found);
    }
    this.#last = found;
    return found.series;
  }

  /** The series of these label values is told of no more; one that is asked for later begins anew. */
  remove(...values: readonly string[]): void {
    this.#series.delete(keyOf(values));
    this.#last = undefined;
  }

  print(): string {
    if (this.#series.size === 0) return '';
    const lines = [...this.#series.values()].map(({ labels, series }) => this.printSeries(labels, series));
    return header(this.options, this.type) + lines.join('');
  }
}

abstract class NumberFamily extends LabelledFamily<NumberSeries> {
  protected make(): NumberSeries {
    return new NumberSeries();
  }

  protected printSeries(labels: string, { value }: NumberSeries): string {
    return `${this.options.name}${labels && `{${labels}}`} ${printed(value)}\n`;
  }
}

export class Counter extends NumberFamily {
  protected readonly type = 'counter';
}

export class Gauge extends NumberFamily {
  protected readonly type = 'gauge';
}

export class HistogramSeries {
  readonly bounds: readonly number[];
  readonly counts: number[];
  sum = 0;
  count = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = bounds.map(() => 0);
  }

  observe(value: number): void {
    this.sum += value;
    this.count += 1;
    const { bounds } = this;
    for (let i = 0; i < bounds.length; i++) {
      if (value <= bounds[i]!) {
        this.counts[i]! += 1;
        return;
      }
    }
  }
}

export class Histogram extends LabelledFamily<HistogramSeries> {
  protected readonly type = 'histogram';
  readonly #bounds: readonly number[];

  /** `bounds` are the upper ends of the buckets, ascending. */
  constructor(options: FamilyOptions & { readonly bounds: readonly number[] }) {
    super(options);
    this.#bounds = options.bounds;
  }

  protected make(): HistogramSeries {
    return new HistogramSeries(this.#bounds);
  }

  protected printSeries(labels: string, { counts, sum, count }: HistogramSeries): string {
    const { name } = this.options;
    const comma = labels && `${labels},`;
    let below = 0;
    const buckets = this.#bounds.map((bound, i) => {
      below += counts[i]!;
      return `${name}_bucket{${comma}le="${printed(bound)}"} ${printed(below)}\n`;
    });
    const braces = labels && `{${labels}}`;
    buckets.push(`${name}_bucket{${comma}le="+Inf"} ${printed(count)}\n`);
    return `${buckets.join('')}${name}_sum${braces} ${printed(sum)}\n${name}_count${braces} ${printed(count)}\n`;
  }
}

/** Values of the labels, what was measured, and when (milliseconds since the epoch) where it was not just now. */
export type Sample = readonly [values: readonly string[], value: number, at?: number];

/** A family whose samples are worked out when it is printed. */
export class CollectedFamily implements Family {
  readonly #options: FamilyOptions & { readonly type: 'gauge' | 'counter' };
  readonly #collect: () => Iterable<Sample>;

  constructor(options: FamilyOptions & { readonly type: 'gauge' | 'counter' }, collect: () => Iterable<Sample>) {
    this.#options = options;
    this.#collect = collect;
  }

  print(): string {
    const { name, type, labels = [] } = this.#options;
    const lines = [...this.#collect()].map(([values, value, at]) => {
      const text = labelText(labels, values);
      return `${name}${text && `{${text}}`} ${printed(value)}${at === undefined ? '' : ` ${at}`}\n`;
    });
    return lines.length === 0 ? '' : header(this.#options, type) + lines.join('');
  }
}
