// What is counted of queries and replies, from their bytes: the path of a prepared reply decodes neither.
import { Counter, type Family, Histogram, type HistogramSeries, type NumberSeries } from '../../metrics/metric.ts';
import type { Client } from '../respond.ts';
import { rcodeText, typeText } from '../wire/message.ts';
import { durationBounds, labelValues, sizeBounds } from './labels.ts';

const { server, zone, view } = labelValues;
const labels = ['server', 'zone', 'view'];
/** The bits of a header's third and second but last bytes. */
const AUTHORITATIVE = 0x04;
const RCODE_MASK = 0x0f;

export class QueryMetrics {
  readonly #requests = new Counter({
    name: 'coredns_dns_requests_total',
    help: 'Counter of DNS requests made per zone, protocol and family.',
    labels: [...labels, 'proto', 'family', 'type'],
  });
  readonly #durations = new Histogram({
    name: 'coredns_dns_request_duration_seconds',
    help: 'Histogram of the time (in seconds) each request took per zone.',
    labels,
    bounds: durationBounds,
  });
  readonly #requestSizes = new Histogram({
    name: 'coredns_dns_request_size_bytes',
    help: 'Size of the EDNS0 UDP buffer in bytes (64K for TCP) per zone and protocol.',
    labels: [...labels, 'proto'],
    bounds: sizeBounds,
  });
  readonly #responseSizes = new Histogram({
    name: 'coredns_dns_response_size_bytes',
    help: 'Size of the returned response in bytes.',
    labels: [...labels, 'proto'],
    bounds: sizeBounds,
  });
  readonly #responses = new Counter({
    name: 'coredns_dns_responses_total',
    help: 'Counter of response status codes.',
    labels: [...labels, 'rcode', 'plugin'],
  });
  readonly #panics = new Counter({ name: 'coredns_panics_total', help: 'A metrics that counts the number of panics.' });
  readonly #duration: HistogramSeries = this.#durations.with(server, zone, view);
  readonly #sizes = {
    udp: [this.#requestSizes.with(server, zone, view, 'udp'), this.#responseSizes.with(server, zone, view, 'udp')],
    tcp: [this.#requestSizes.with(server, zone, view, 'tcp'), this.#responseSizes.with(server, zone, view, 'tcp')],
  } as const;
  /** Series by small numbers made of the labels, so that the hot path makes no text. */
  readonly #requestSeries = new Map<number, NumberSeries>();
  readonly #responseSeries = new Map<number, NumberSeries>();
  readonly panics: NumberSeries = this.#panics.with();

  get families(): readonly Family[] {
    const sizes = [this.#requestSizes, this.#responseSizes];
    return [this.#requests, this.#durations, ...sizes, this.#responses, this.#panics];
  }

  /** A query got its reply after so many seconds. */
  answered(query: Buffer, reply: Buffer, { transport, address }: Client, seconds: number): void {
    this.#duration.observe(seconds);
    const [requestSize, responseSize] = this.#sizes[transport];
    requestSize.observe(query.length);
    responseSize.observe(reply.length);
    const udp = transport === 'udp';
    const ipv6 = address.includes(':');
    const type = questionTypeOf(reply);
    const requestKey = (type << 2) | (udp ? 2 : 0) | (ipv6 ? 1 : 0);
    let requests = this.#requestSeries.get(requestKey);
    if (!requests) {
      requests = this.#requests.with(server, zone, view, transport, ipv6 ? '2' : '1', typeText(type) ?? 'other');
      // Types without a name share a series; their numbers are a client's to choose, so there is an end to them.
      if (this.#requestSeries.size < 1000) this.#requestSeries.set(requestKey, requests);
    }
    requests.add();
    const authoritative = (reply[2]! & AUTHORITATIVE) !== 0;
    const rcode = reply[3]! & RCODE_MASK;
    const responseKey = (rcode << 1) | (authoritative ? 1 : 0);
    let responses = this.#responseSeries.get(responseKey);
    if (!responses) {
      responses = this.#responses.with(server, zone, view, rcodeText(rcode), authoritative ? 'kubernetes' : 'forward');
      this.#responseSeries.set(responseKey, responses);
    }
    responses.add();
  }
}

/** The type that a reply's one question asks for, 0 where it repeats none. Names of questions are not compressed. */
function questionTypeOf(reply: Buffer): number {
  if (reply.length < 17 || reply[5] !== 1) return 0;
  let offset = 12;
  for (let length = reply[offset]!; length > 0 && offset < reply.length; length = reply[offset] ?? 0)
    offset += 1 + length;
  return offset + 3 <= reply.length ? (reply[offset + 1]! << 8) | reply[offset + 2]! : 0;
}
