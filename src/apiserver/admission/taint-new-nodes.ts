// A node that has just come takes no pods until it has been seen to be ready (upstream TaintNodesByCondition).
import type { Node } from '../../api/core/v1/types.generated.ts';
import type { AdmissionPlugin } from './admission.ts';
import { is } from './matches.ts';

const taint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };

export const taintNodesByCondition: AdmissionPlugin = {
  name: 'TaintNodesByCondition',
  resources: ['nodes'],
  admit(request) {
    if (!is(request, 'nodes', 'CREATE')) return;
    const node = request.object as unknown as Node;
    const present = node.spec?.taints ?? [];
    if (present.some(({ key, effect }) => key === taint.key && effect === taint.effect)) return;
    node.spec = { ...node.spec, taints: [...present, { ...taint }] };
  },
};
