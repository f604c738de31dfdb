// What CoreDNS's labels say here: one server, one server block for all names, no views.

export const labelValues = { server: 'dns://', zone: '.', view: '' } as const;

/** Seconds: 0.00025 doubled fifteen times, CoreDNS's buckets of times. */
export const durationBounds: readonly number[] = Array.from({ length: 16 }, (_, i) => 0.00025 * 2 ** i);

/** Bytes: CoreDNS's buckets of sizes. */
export const sizeBounds: readonly number[] = [
  0, 100, 200, 300, 400, 511, 1023, 2047, 4095, 8291, 16_000, 32_000, 48_000, 64_000,
];

/** The types of questions that CoreDNS counts by name; all others are one. */
const countedTypes: ReadonlyMap<number, string> = new Map([
  [1, 'A'],
  [2, 'NS'],
  [5, 'CNAME'],
  [6, 'SOA'],
  [12, 'PTR'],
  [15, 'MX'],
  [16, 'TXT'],
  [28, 'AAAA'],
  [33, 'SRV'],
  [43, 'DS'],
  [46, 'RRSIG'],
  [47, 'NSEC'],
  [48, 'DNSKEY'],
  [50, 'NSEC3'],
  [65, 'HTTPS'],
  [251, 'IXFR'],
  [252, 'AXFR'],
  [255, 'ANY'],
]);

/** The label `type`. */
export function typeLabel(type: number): string {
  return countedTypes.get(type) ?? 'other';
}
