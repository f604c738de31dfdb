// What is counted of queries and replies, from their bytes: the path of a prepared reply decodes neither.
import { Counter, type Family, Histogram, type HistogramSeries, type NumberSeries } from '../../metrics/metric.ts';
import type { Client } from '../respond.ts';
import { rcodeText } from '../wire/message.ts';
import { durationBounds, labelValues, sizeBounds, typeLabel } from './labels.ts';

const { server, zone, view } = labelValues;
const labels = ['server', 'zone', 'view'];
/** The bits of a header's third and fourth bytes. */
const authoritativeFlag = 0x04;
const recursionAvailableFlag = 0x80;
const rcodeMask = 0x0f;
/** Where the (low byte of the) number of additional records stands: a query has none but EDNS's. */
const additionalCount = 11;

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
  readonly #dnssecRequests = new Counter({
    name: 'coredns_dns_do_requests_total',
    help: 'Counter of DNS requests with DO bit set per zone.',
    labels,
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
  readonly #dnssec: NumberSeries = this.#dnssecRequests.with(server, zone, view);
  /** Series by small numbers made of the labels, so that the hot path makes no text. */
  readonly #requestSeries = new Map<number, NumberSeries>();
  readonly #responseSeries = new Map<number, NumberSeries>();
  readonly panics: NumberSeries = this.#panics.with();

  get families(): readonly Family[] {
    const sizes = [this.#requestSizes, this.#responseSizes];
    return [this.#requests, this.#durations, ...sizes, this.#dnssecRequests, this.#responses, this.#panics];
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
      requests = this.#requests.with(server, zone, view, transport, ipv6 ? '2' : '1', typeLabel(type));
      // Types that are not counted by name share a series; their numbers are a client's to choose, so there is an end to them.
      if (this.#requestSeries.size < 1000) this.#requestSeries.set(requestKey, requests);
    }
    requests.add();
    if (query[additionalCount] !== 0 && isDnssecOk(reply)) this.#dnssec.add();
    const authoritative = reply[2]! & authoritativeFlag;
    const flags = reply[3]! & (recursionAvailableFlag | rcodeMask);
    const responseKey = (flags << 3) | authoritative;
    let responses = this.#responseSeries.get(responseKey);
    if (!responses) {
      responses = this.#responses.with(server, zone, view, rcodeText(flags & rcodeMask), pluginOf(reply));
      this.#responseSeries.set(responseKey, responses);
    }
    responses.add();
  }
}

/** Who wrote a reply: the zone's have AA, forwarded ones RA; what is none of these the server says itself, for which CoreDNS names nobody. */
function pluginOf(reply: Buffer): string {
  if ((reply[2]! & authoritativeFlag) !== 0) return 'kubernetes';
  return (reply[3]! & recursionAvailableFlag) !== 0 ? 'forward' : '';
}

/** Whether a reply to a query with EDNS says DO, which it repeats (RFC 3225, 3): its OPT record is its last eleven bytes. */
function isDnssecOk(reply: Buffer): boolean {
  const opt = reply.length - 11;
  return (
    opt > 12 && reply[opt] === 0 && reply[opt + 1] === 0 && reply[opt + 2] === 41 && (reply[opt + 7]! & 0x80) !== 0
  );
}

/** The type that a reply's one question asks for, 0 where it repeats none. Names of questions are not compressed. */
function questionTypeOf(reply: Buffer): number {
  if (reply.length < 17 || reply[5] !== 1) return 0;
  let offset = 12;
  for (let length = reply[offset]!; length > 0 && offset < reply.length; length = reply[offset] ?? 0)
    offset += 1 + length;
  return offset + 3 <= reply.length ? (reply[offset + 1]! << 8) | reply[offset + 2]! : 0;
}
