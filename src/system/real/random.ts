import { randomBytes, randomInt } from 'node:crypto';
import type { Random } from '../random.ts';
import { UuidSource } from './uuid.ts';

const uuids = new UuidSource();

export const realRandom: Random = {
  int: (bound) => (bound === 1 ? 0 : randomInt(bound)),
  bytes: (length) => randomBytes(length),
  uuid: () => uuids.next(),
};
