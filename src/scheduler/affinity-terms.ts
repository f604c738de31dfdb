// What a pod says of other pods in its affinity and anti-affinity, ready to be asked about them.
import type { Pod, PodAffinityTerm, WeightedPodAffinityTerm } from '../api/core/v1/types.generated.ts';
import { labelSelectorOf, matchesLabels } from '../apimachinery/selectors/label-selector.ts';
import type { PodContext } from './plugin.ts';

type NamespaceLabels = PodContext['namespaceLabels'];

export interface PreparedTerm {
  readonly topologyKey: string;
  /** What a match is worth when nodes are compared; negative for anti-affinity. */
  readonly weight: number;
  matches(pod: Readonly<Pod>, namespaceLabels: NamespaceLabels): boolean;
}

export interface AffinityTerms {
  readonly required: readonly PreparedTerm[];
  readonly requiredAnti: readonly PreparedTerm[];
  /** Of affinity and anti-affinity. */
  readonly preferred: readonly PreparedTerm[];
}

/** A required term of a pod that is there draws others a little (upstream's hardPodAffinityWeight). */
const weightOfRequired = 1;

const none: AffinityTerms = { required: [], requiredAnti: [], preferred: [] };
const known = new WeakMap<Readonly<Pod>, AffinityTerms>();

/** Of an object that does not change; worked out once. */
export function affinityTerms(pod: Readonly<Pod>): AffinityTerms {
  const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {};
  if (!podAffinity && !podAntiAffinity) return none;
  const present = known.get(pod);
  if (present) return present;
  const required = (terms: readonly PodAffinityTerm[] = []) =>
    terms.map((term) => prepareTerm(pod, term, weightOfRequired));
  const preferred = (terms: readonly WeightedPodAffinityTerm[] = [], sign: 1 | -1) =>
    terms.map(({ weight, podAffinityTerm }) => prepareTerm(pod, podAffinityTerm, sign * weight));
  const terms = {
    required: required(podAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    requiredAnti: required(podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    preferred: [
      ...preferred(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution, 1),
      ...preferred(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution, -1),
    ],
  };
  known.set(pod, terms);
  return terms;
}

function prepareTerm(owner: Readonly<Pod>, term: Readonly<PodAffinityTerm>, weight: number): PreparedTerm {
  const selector = labelSelectorOf(term.labelSelector);
  const named = term.namespaces ?? [];
  const chosen = labelSelectorOf(term.namespaceSelector);
  const own = named.length === 0 && chosen === undefined ? (owner.metadata.namespace ?? '') : undefined;
  return {
    topologyKey: term.topologyKey,
    weight,
    matches({ metadata: { namespace = '', labels } }, namespaceLabels) {
      const inNamespace =
        namespace === own ||
        named.includes(namespace) ||
        (chosen !== undefined && matchesLabels(chosen, namespaceLabels(namespace)));
      return inNamespace && selector !== undefined && matchesLabels(selector, labels);
    },
  };
}
