// The taints by which a node that is not ready keeps pods away and drives them off.
import type { Taint } from '../../api/core/v1/types.generated.ts';

export const notReadyTaint = 'node.kubernetes.io/not-ready';
export const unreachableTaint = 'node.kubernetes.io/unreachable';

export function isOfSilence({ key }: Readonly<Taint>): boolean {
  return key === notReadyTaint || key === unreachableTaint;
}
