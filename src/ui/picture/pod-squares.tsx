// Pods as small squares. Many of one state are one shape, so that thousands of them are a few hundred things to draw.
import type { PodState } from '../../explain/picture/picture.ts';
import { square } from './layout.ts';

export interface Place {
  readonly x: number;
  readonly y: number;
}

interface Props {
  readonly state: PodState;
  readonly places: readonly Place[];
  readonly isDim?: boolean;
}

const edge = 2;
const inner = square.size - 2 * edge;

/** The state's shape: full, hollow, dashed, struck. Belongs into an `svg`. */
export function PodSquares({ state, places, isDim = false }: Props) {
  const squares = places.map(({ x, y }) => `M${x + edge} ${y + edge}h${inner}v${inner}h-${inner}z`).join('');
  const isStruck = state === 'terminating' || state === 'failed';
  const strikes = isStruck ? places.map(({ x, y }) => `M${x + 1} ${y + square.size - 1}l9-9`).join('') : '';
  return (
    <g className={`${podClass(state)}${isDim ? ' dim' : ''}`}>
      <path className="square" d={squares} />
      {isStruck && <path className="strike" d={strikes} />}
    </g>
  );
}

const here: readonly Place[] = [{ x: 0, y: 0 }];

/** One pod, where the words beside it say which. */
export function PodShape({ state }: Pick<Props, 'state'>) {
  return (
    <svg className="shape" viewBox={`0 0 ${square.size} ${square.size}`} aria-hidden="true">
      <PodSquares state={state} places={here} />
    </svg>
  );
}

export const podClass = (state: PodState): string => `pod-${state.replace(' ', '-')}`;
