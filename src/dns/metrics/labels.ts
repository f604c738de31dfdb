// What CoreDNS's labels say here: one server, one server block for all names, no views.

export const labelValues = { server: 'dns://', zone: '.', view: '' } as const;

/** Seconds: 0.00025 doubled fifteen times, CoreDNS's buckets of times. */
export const durationBounds: readonly number[] = Array.from({ length: 16 }, (_, i) => 0.00025 * 2 ** i);

/** Bytes: CoreDNS's buckets of sizes. */
export const sizeBounds: readonly number[] = [
  0, 100, 200, 300, 400, 511, 1023, 2047, 4095, 8291, 16_000, 32_000, 48_000, 64_000,
];
