// LimitRange: gives containers their default requests and limits, and holds pods and claims to bounds.

import type { LimitRange, PersistentVolumeClaim, Pod } from '../../../api/core/v1/types.generated.ts';
import { aggregate } from '../../../apimachinery/aggregate.ts';
import type { KubeObject } from '../../../apimachinery/object.ts';
import { naming } from '../../naming.ts';
import type { AdmissionPlugin, AdmissionRequest, AdmissionView } from '../admission.ts';
import { refusalOf } from '../refusal.ts';
import { claimViolations, podViolations } from './constraints.ts';
import { fillResources } from './defaults.ts';

type Concerned = 'pods' | 'persistentvolumeclaims' | undefined;

/** New pods and their resizing; new claims and changed ones. What is on its way out is left alone. */
function concerned({ definition, operation, subresource, object }: AdmissionRequest): Concerned {
  // What a CONNECT asks for has no metadata.
  if (definition.group !== '' || !object || operation === 'CONNECT') return undefined;
  if (object.metadata.deletionTimestamp) return undefined;
  const { resource } = definition;
  if (resource === 'pods') {
    const isNew = operation === 'CREATE' && subresource === '';
    return isNew || (operation === 'UPDATE' && subresource === 'resize') ? resource : undefined;
  }
  const isWrite = (operation === 'CREATE' || operation === 'UPDATE') && subresource === '';
  return resource === 'persistentvolumeclaims' && isWrite ? resource : undefined;
}

function limitRangesOf({ namespace }: AdmissionRequest, view: AdmissionView): readonly (KubeObject & LimitRange)[] {
  return view.all<KubeObject & LimitRange>('limitranges', '', namespace);
}

export const limitRanger: AdmissionPlugin = {
  name: 'LimitRanger',
  resources: ['pods', 'persistentvolumeclaims'],
  admit(request, view) {
    if (concerned(request) !== 'pods' || request.operation !== 'CREATE') return;
    for (const range of limitRangesOf(request, view)) {
      naming(range, () => fillResources(range, request.object as unknown as Pod));
    }
  },
  validate(request, view) {
    const resource = concerned(request);
    if (!resource) return;
    for (const range of limitRangesOf(request, view)) {
      const texts = naming(range, () => violations(range, request, resource));
      if (texts.length === 0) continue;
      throw refusalOf(request, aggregate(texts));
    }
  },
};

function violations(range: LimitRange, { object }: AdmissionRequest, resource: Concerned): string[] {
  return resource === 'pods'
    ? podViolations(range, object as unknown as Pod)
    : claimViolations(range, object as unknown as PersistentVolumeClaim);
}
