/** `25%` of `total`, or the number itself (apimachinery intstr GetScaledValueFromIntOrPercent). */
export function resolveIntOrPercent(value: number | string, total: number, round: 'up' | 'down'): number {
  if (typeof value === 'number') return value;
  const share = (Number(value.replace(/%$/, '')) * total) / 100;
  return round === 'up' ? Math.ceil(share) : Math.floor(share);
}
