// ImageLocality: nodes that have the pod's images already, large ones above all.
import { maxScore, type ScorePlugin } from '../plugin.ts';

const mebibyte = 1024 * 1024;
/** Bytes: less is not worth moving a pod for; more, per container or volume, counts as this. */
const least = 23 * mebibyte;
const most = 1000 * mebibyte;

export const imageLocality: ScorePlugin = ({ pod, nodes, imageNodes }, feasible) => {
  const { initContainers = [], containers, volumes = [] } = pod.spec;
  const named = [
    ...[...initContainers, ...containers].map(({ image = '' }) => image),
    ...volumes.flatMap(({ image }) => (image ? [image.reference ?? ''] : [])),
  ];
  const images = named.map((image) => imageNodes(normalized(image))).filter((found) => found !== undefined);
  if (images.length === 0) return undefined;
  const cap = most * named.length;
  return feasible.map(({ node }) => {
    let sum = 0;
    // An image that few nodes have would draw all pods to them.
    for (const found of images) {
      sum += Math.floor((found.get(node.metadata.name) ?? 0) * (found.size / nodes.length));
    }
    return Math.floor((maxScore * (Math.min(Math.max(sum, least), cap) - least)) / (cap - least));
  });
};

/** Kubelets tell names with their tag. */
function normalized(image: string): string {
  return image.lastIndexOf(':') <= image.lastIndexOf('/') ? `${image}:latest` : image;
}
