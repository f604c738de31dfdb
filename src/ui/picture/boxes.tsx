// How doors, slices, nodes and pods look. Each is drawn anew only when its own data changed.
import { Handle, type Node, type NodeProps, Position } from '@xyflow/react';
import { memo } from 'react';
import type { NodeItem, PodItem, PodState, ServiceItem, SliceItem } from '../../explain/picture/picture.ts';
import { square } from './layout.ts';

/** How a plan, or the slider, marks what differs. */
export type Mark = 'new' | 'changed' | 'gone' | '';

export interface Common extends Record<string, unknown> {
  /** Not part of what is being looked at. */
  readonly isDim: boolean;
  readonly mark: Mark;
  /** The step of a trace that is looked at happens here. */
  readonly isHere: boolean;
}

export type DoorNode = Node<
  Common & { service: ServiceItem; isSelected: boolean; isSmall: boolean; lost: number; onSelect(id: string): void },
  'door'
>;
export type SliceNode = Node<Common & { slice: SliceItem }, 'slice'>;
export type MachineNode = Node<
  Common & {
    node: NodeItem | undefined;
    title: string;
    pods: readonly PodItem[];
    isGrid: boolean;
    chosen: ReadonlySet<string> | undefined;
  },
  'machine'
>;
export type PodNode = Node<Common & { pod: PodItem }, 'pod'>;
export type AddressNode = Node<Common & { address: string; title: string }, 'address'>;
export type Box = DoorNode | SliceNode | MachineNode | PodNode | AddressNode;

const markSigns: Readonly<Record<Mark, string>> = { new: '+', changed: '~', gone: '−', '': '' };

function MarkSign({ mark }: { readonly mark: Mark }) {
  return mark === '' ? null : (
    <span className={`mark mark-${mark}`} title={mark}>
      {markSigns[mark]}
    </span>
  );
}

const classes = (kind: string, { isDim, mark, isHere }: Common, more = ''): string =>
  `box ${kind}${isDim ? ' dim' : ''}${isHere ? ' here' : ''}${mark === '' ? '' : ` is-${mark}`}${more}`;

const Ends = () => (
  <>
    <Handle id="in-left" type="target" position={Position.Left} isConnectable={false} />
    <Handle id="in-right" type="target" position={Position.Right} isConnectable={false} />
    <Handle id="out-left" type="source" position={Position.Left} isConnectable={false} />
    <Handle id="out-right" type="source" position={Position.Right} isConnectable={false} />
  </>
);

const portText = ({ ports }: ServiceItem): string => ports.map(({ port, protocol }) => `${port}/${protocol}`).join(' ');

const DoorBox = memo(({ data }: NodeProps<DoorNode>) => {
  const { service, isSelected, isSmall, lost, onSelect } = data;
  const address = service.externalName ?? service.clusterIPs[0] ?? 'no address yet';
  const trouble = lost > 0.999 ? ', nobody answers' : lost > 0 ? ', not on every node' : '';
  return (
    <>
      <Ends />
      <button
        type="button"
        className={`${classes('door', data, isSmall ? ' small' : '')}${lost > 0 ? ' lost' : ''}`}
        aria-pressed={isSelected}
        aria-label={`Service ${service.namespace}/${service.name}${trouble}`}
        onClick={() => onSelect(service.id)}
      >
        <svg className="arch" viewBox="0 0 16 18" aria-hidden="true">
          <path d="M2 18V8a6 6 0 0 1 12 0v10" />
        </svg>
        <span className="name">{service.name}</span>
        {!isSmall && (
          <span className="detail">
            {address === 'None' ? 'headless' : address} · {portText(service)}
          </span>
        )}
        {!isSmall && <span className="tag">{service.type === 'ClusterIP' ? service.namespace : service.type}</span>}
        {lost > 0 && (
          <span className="alarm" title={`${Math.round(lost * 100)} % of new connections go nowhere`}>
            !
          </span>
        )}
        <MarkSign mark={data.mark} />
      </button>
    </>
  );
});

const SliceBox = memo(({ data }: NodeProps<SliceNode>) => {
  const { slice } = data;
  const ready = slice.endpoints.filter((endpoint) => endpoint.ready).length;
  return (
    <div className={classes('slice', data)} title={slice.id}>
      <Ends />
      <span className="name">{slice.name}</span>
      <span className="detail">
        {ready} of {slice.endpoints.length} ready · {slice.ports.join(' ') || 'no port'}
      </span>
      <MarkSign mark={data.mark} />
    </div>
  );
});

const Counts = ({ pods }: { readonly pods: readonly PodItem[] }) => {
  const ready = pods.filter(({ state }) => state === 'ready').length;
  return (
    <span className="detail">
      {ready === pods.length
        ? `${pods.length} pod${pods.length === 1 ? '' : 's'}`
        : `${ready} of ${pods.length} pods ready`}
    </span>
  );
};

const MachineBox = memo(({ data }: NodeProps<MachineNode>) => {
  const { node, title, pods, isGrid, chosen } = data;
  return (
    <div className={classes('machine', data, node && !node.isReady ? ' is-down' : '')}>
      <Ends />
      <div className="head">
        <span className="name">{title}</span>
        {node && !node.isReady ? <span className="detail alarm-text">not ready</span> : <Counts pods={pods} />}
        <MarkSign mark={data.mark} />
      </div>
      {isGrid && <Grid pods={pods} chosen={chosen} />}
    </div>
  );
});

const step = square.size + square.gap;

const Grid = memo(
  ({ pods, chosen }: { readonly pods: readonly PodItem[]; readonly chosen: ReadonlySet<string> | undefined }) => (
    <svg
      className="grid"
      width={square.perRow * step}
      height={Math.ceil(pods.length / square.perRow) * step}
      role="img"
      aria-label={`${pods.length} pods`}
    >
      {pods.map((pod, i) => (
        <Square
          key={pod.id}
          x={(i % square.perRow) * step}
          y={Math.floor(i / square.perRow) * step}
          state={pod.state}
          isDim={chosen !== undefined && !chosen.has(pod.id)}
        />
      ))}
    </svg>
  ),
);

interface SquareProps {
  readonly x: number;
  readonly y: number;
  readonly state: PodState;
  readonly isDim: boolean;
}

const stateClass = (state: PodState): string => `pod-${state.replace(' ', '-')}`;

/** The state's shape: full, hollow, dashed, struck. */
const Square = memo(({ x, y, state, isDim }: SquareProps) => (
  <g className={`${stateClass(state)}${isDim ? ' dim' : ''}`} transform={`translate(${x} ${y})`}>
    <rect x="1" y="1" width={square.size - 2} height={square.size - 2} rx="2" />
    {(state === 'terminating' || state === 'failed') && <path d={`M1 ${square.size - 1}L${square.size - 1} 1`} />}
  </g>
));

const PodBox = memo(({ data }: NodeProps<PodNode>) => {
  const { pod } = data;
  return (
    <div className={classes('pod', data, ` ${stateClass(pod.state)}`)} title={`${pod.id}: ${pod.state}`}>
      <Ends />
      <svg className="shape" viewBox="0 0 11 11" aria-hidden="true">
        <Square x={0} y={0} state={pod.state} isDim={false} />
      </svg>
      <span className="name">{pod.name}</span>
      {pod.state !== 'ready' && <span className="detail">{pod.state}</span>}
      <MarkSign mark={data.mark} />
    </div>
  );
});

const AddressBox = memo(({ data }: NodeProps<AddressNode>) => (
  <div className={classes('address', data)}>
    <Ends />
    <span className="name">{data.address}</span>
  </div>
));

export const boxTypes = { door: DoorBox, slice: SliceBox, machine: MachineBox, pod: PodBox, address: AddressBox };
