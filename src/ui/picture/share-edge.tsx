// A line with its label where lines have parted: beside the box that it leads to, or the one that it leaves to the left.
import { BaseEdge, type EdgeProps, getBezierPath, Position } from '@xyflow/react';

/** How far a line goes around boxes of its own column. */
const bulge = 70;

export function ShareEdge({ id, label, ...ends }: EdgeProps) {
  const { sourceX, sourceY, targetX, targetY, sourcePosition, targetPosition } = ends;
  const isAround = sourcePosition === Position.Right && targetPosition === Position.Right;
  const isLeftward = sourcePosition === Position.Left;
  const [path] = isAround
    ? [`M${sourceX} ${sourceY}C${sourceX + bulge} ${sourceY} ${targetX + bulge} ${targetY} ${targetX} ${targetY}`]
    : getBezierPath(ends);
  const labelX = isLeftward ? sourceX - 34 : isAround ? targetX + 40 : targetX - 34;
  return (
    <BaseEdge
      id={id}
      path={path}
      label={label}
      labelX={labelX}
      labelY={isLeftward ? sourceY : targetY}
      labelBgPadding={[4, 2]}
      labelBgBorderRadius={4}
    />
  );
}
