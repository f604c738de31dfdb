import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import type { Random } from '../random.ts';

export const realRandom: Random = {
  int: (bound) => (bound === 1 ? 0 : randomInt(bound)),
  bytes: (length) => randomBytes(length),
  uuid: () => randomUUID(),
};
