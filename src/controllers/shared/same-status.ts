import { jsonEqual } from '../../apimachinery/json/value.ts';

/** Whether two statuses say the same; zero, nothing and absent are the same on the wire. */
export function sameStatus(a: object | undefined, b: object | undefined): boolean {
  return jsonEqual(withoutEmpty(a), withoutEmpty(b));
}

function withoutEmpty(status: object = {}): unknown {
  const isEmpty = (value: unknown) =>
    value === 0 || value === '' || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
  return Object.fromEntries(Object.entries(status).filter(([, value]) => !isEmpty(value)));
}
