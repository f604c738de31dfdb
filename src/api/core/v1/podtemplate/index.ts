import { column, type Kind, nameColumn } from '../../../define.ts';
import { formatLabels } from '../../../printing.ts';
import { containerCells, defaultTemplate, isNewGeneration, templateWarnings } from '../../../workload.ts';
import { validatePodTemplate } from '../pod/validation.ts';
import type { PodTemplate } from '../types.generated.ts';

const validate = ({ template }: PodTemplate) =>
  validatePodTemplate(template ?? { spec: { containers: [] } }, 'template');

export const podTemplate: Kind<PodTemplate> = {
  countsGeneration: true,
  returnsDeletedObject: true,
  strategy: {
    default: ({ template }) => defaultTemplate(template),
    validate,
    validateUpdate: validate,
    warnings: (object, old) => (isNewGeneration(object, old) ? templateWarnings(object.template, 'template') : []),
  },
  columns: [
    nameColumn,
    column('Containers', 'Names of its containers.'),
    column('Images', 'Images of its containers.'),
    column('Pod Labels', 'Labels of the Pods made of it.'),
  ],
  cells: ({ metadata, template }) => [
    metadata.name,
    ...containerCells(template),
    formatLabels(template?.metadata?.labels),
  ],
};
