import { jsonEqual } from '../../apimachinery/json/value.ts';

/** Whether two statuses say the same; zero and absent are the same on the wire. */
export function sameStatus(a: object | undefined, b: object | undefined): boolean {
  return jsonEqual(withoutZeros(a), withoutZeros(b));
}

function withoutZeros(status: object = {}): unknown {
  return Object.fromEntries(Object.entries(status).filter(([, value]) => value !== 0));
}
