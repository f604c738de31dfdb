// Counts of requests, under upstream's names, for /metrics. Counting is cheap; the library that prints loads with the
// first scrape.

interface Series {
  count: number;
  seconds: number;
  readonly labels: { readonly verb: string; readonly resource: string; readonly group: string; readonly code: string };
}

export interface RequestLabels {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly code: number;
}

export class ApiMetrics {
  readonly #series = new Map<string, Series>();
  #watches = 0;

  observe({ verb, group, resource, code }: RequestLabels, seconds: number): void {
    const key = `${verb} ${group} ${resource} ${code}`;
    let series = this.#series.get(key);
    if (!series) {
      const labels = { verb: verb.toUpperCase(), group, resource, code: String(code) };
      series = { count: 0, seconds: 0, labels };
      this.#series.set(key, series);
    }
    series.count += 1;
    series.seconds += seconds;
  }

  watchStarted(): void {
    this.#watches += 1;
  }

  watchEnded(): void {
    this.#watches -= 1;
  }

  async print(): Promise<{ readonly contentType: string; readonly text: string }> {
    const { Registry, Counter, Gauge, collectDefaultMetrics } = await import('prom-client');
    const registry = new Registry();
    collectDefaultMetrics({ register: registry });
    const labelNames = ['verb', 'group', 'resource', 'code'];
    const registers = [registry];
    const total = new Counter({
      name: 'apiserver_request_total',
      help: 'Requests answered, by verb, resource and code.',
      labelNames,
      registers,
    });
    const seconds = new Counter({
      name: 'apiserver_request_duration_seconds_sum',
      help: 'Seconds spent on requests.',
      labelNames,
      registers,
    });
    for (const series of this.#series.values()) {
      total.inc(series.labels, series.count);
      seconds.inc(series.labels, series.seconds);
    }
    new Gauge({
      name: 'apiserver_longrunning_requests',
      help: 'Watches that are open.',
      registers,
    }).set(this.#watches);
    return { contentType: registry.contentType, text: await registry.metrics() };
  }
}
