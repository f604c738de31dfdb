// The picture itself: the graph library's canvas with our boxes and lines.
import {
  Background,
  Controls,
  type Edge,
  type OnMove,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
  useStore,
} from '@xyflow/react';
import { useCallback, useEffect, useMemo, useRef } from 'react';
import type { Trace } from '../../explain/trace/trace.ts';
import type { World } from '../state/world.ts';
import { type Box, boxTypes, type Mark } from './boxes.tsx';
import { boxesOf, edgesOf, focusOf, keepSame } from './flow.ts';
import { type Layout, layoutOf, type Box as Place } from './layout.ts';
import { linesOf, traceLines } from './lines.ts';
import { ShareEdge } from './share-edge.tsx';

/** Room for the controls and the legend. */
const margins = { top: '28px', right: '24px', bottom: '52px', left: '60px' } as const;
/** … and for a reply, which goes around the pods. */
const replyMargins = { ...margins, right: '84px' } as const;
/** Zoomed out further than this, words are not drawn. */
const smallestReadable = 0.45;
const lineTypes = { share: ShareEdge };

export interface PictureProps {
  readonly world: World;
  readonly selected: string | undefined;
  readonly trace: Trace | undefined;
  /** Where the step of the trace that is looked at happens: an id. */
  readonly here: string | undefined;
  readonly marks: ReadonlyMap<string, Mark>;
  readonly onSelect: (id: string | undefined) => void;
}

function Canvas({ world, selected, trace, here, marks, onSelect }: PictureProps) {
  const lastLayout = useRef<Layout>(undefined);
  const layout = useMemo(() => {
    lastLayout.current = layoutOf(world, selected, lastLayout.current);
    return lastLayout.current;
  }, [world, selected]);
  const lines = useMemo(
    () => (trace ? traceLines(trace, world, layout) : linesOf(world, layout)),
    [trace, world, layout],
  );
  const lastBoxes = useRef<ReadonlyMap<string, Box>>(new Map());
  const lastEdges = useRef<ReadonlyMap<string, Edge>>(new Map());
  const { boxes, edges } = useMemo(() => {
    const focus = focusOf({ lines, selected }, trace !== undefined);
    const made = boxesOf({ world, layout, lines, selected, marks, here, onSelect }, focus);
    const nextBoxes = keepSame(lastBoxes.current, made);
    const nextEdges = keepSame(lastEdges.current, edgesOf(lines, focus, made));
    lastBoxes.current = new Map(nextBoxes.map((box) => [box.id, box]));
    lastEdges.current = new Map(nextEdges.map((edge) => [edge.id, edge]));
    return { boxes: nextBoxes, edges: nextEdges };
  }, [world, layout, lines, selected, trace, marks, here, onSelect]);
  const size = useStore(({ width, height }) => `${width} ${height}`);
  const isFar = useStore(({ transform }) => transform[2] < smallestReadable);
  const picture = `${layout.isGrouped} ${layout.isDense} ${world.nodes.length > 0} ${trace?.to.text ?? ''} ${size}`;
  const onMoveStart = useFitted(picture, extentOf(layout), trace ? replyMargins : margins);
  return (
    <ReactFlow
      className={`${isFar ? 'far' : ''}${layout.isDense ? ' dense' : ''}`}
      nodes={boxes}
      edges={edges}
      nodeTypes={boxTypes}
      edgeTypes={lineTypes}
      minZoom={0.1}
      maxZoom={2}
      nodesDraggable={false}
      nodesConnectable={false}
      edgesFocusable={false}
      nodesFocusable={false}
      zoomOnDoubleClick={false}
      onMoveStart={onMoveStart}
      onPaneClick={() => onSelect(undefined)}
      proOptions={{ hideAttribution: true }}
      aria-label="The cluster: Services, their slices, nodes and pods"
    >
      <Background gap={24} size={1} />
      <Controls showInteractive={false} />
    </ReactFlow>
  );
}

/** Brings everything into view when the picture is another one; when it only grew, as long as nobody moved it by hand. */
function useFitted(picture: string, extent: string, padding: typeof margins | typeof replyMargins): OnMove {
  const { fitView } = useReactFlow();
  const isMovedByHand = useRef(false);
  const last = useRef(picture);
  // biome-ignore lint/correctness/useExhaustiveDependencies: picture and extent say when
  useEffect(() => {
    if (last.current !== picture) isMovedByHand.current = false;
    last.current = picture;
    if (isMovedByHand.current) return;
    const frame = requestAnimationFrame(() => void fitView({ padding, maxZoom: 1.5 }));
    return () => cancelAnimationFrame(frame);
  }, [picture, extent, fitView]);
  return useCallback((event) => {
    if (event) isMovedByHand.current = true;
  }, []);
}

/** So that a pod more or less moves nothing. */
const extentStep = 150;

function extentOf({ doors, machines, addresses }: Layout): string {
  const boxes = [...doors, ...machines, ...addresses];
  const end = (of: (box: Place) => number) => Math.ceil(Math.max(0, ...boxes.map(of)) / extentStep);
  return `${end(({ x, width }) => x + width)} ${end(({ y, height }) => y + height)}`;
}

export function PictureView(props: PictureProps) {
  return (
    <ReactFlowProvider>
      <Canvas {...props} />
    </ReactFlowProvider>
  );
}
