// How doors, slices, nodes and pods look. Each is drawn anew only when its own data changed.
import type { Node, NodeProps } from '@xyflow/react';
import { memo } from 'react';
import type { NodeItem, PodItem, ServiceItem, SliceItem } from '../../explain/picture/picture.ts';
import { doorDetails, doorName } from './door-text.ts';
import { square } from './layout.ts';
import { PodShape, PodSquares, podClass } from './pod-squares.tsx';

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
    perRow: number;
    isGrid: boolean;
    isDense: boolean;
    chosen: ReadonlySet<string> | undefined;
  },
  'machine'
>;
export type PodNode = Node<Common & { pod: PodItem }, 'pod'>;
export type AddressNode = Node<Common & { address: string }, 'address'>;
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

/** Where lines begin and end, as the graph library looks for them: a `Handle` would listen to all that happens, for nothing. */
const Ends = () =>
  (['target', 'source'] as const).map((type) =>
    (['left', 'right'] as const).map((side) => (
      <i
        key={`${type} ${side}`}
        className={`end end-${side} ${type}`}
        data-handleid={`${type === 'target' ? 'in' : 'out'}-${side}`}
        data-handlepos={side}
      />
    )),
  );

const DoorBox = memo(({ data }: NodeProps<DoorNode>) => {
  const { service, isSelected, isSmall, lost, onSelect } = data;
  return (
    <button
      type="button"
      className={`${classes('door', data, isSmall ? ' small' : '')}${lost > 0 ? ' lost' : ''}`}
      aria-pressed={isSelected}
      aria-label={doorName(service, lost)}
      title={`${service.namespace}/${service.name}`}
      onClick={() => onSelect(service.id)}
    >
      <Ends />
      <svg className="arch" viewBox="0 0 16 18" aria-hidden="true">
        <path d="M2 18V8a6 6 0 0 1 12 0v10" />
      </svg>
      <span className="name">{service.name}</span>
      {!isSmall && <span className="detail">{doorDetails(service).join(' · ')}</span>}
      {!isSmall && <span className="tag">{service.type === 'ClusterIP' ? service.namespace : service.type}</span>}
      {lost > 0 && (
        <span className="alarm" title={`${Math.round(lost * 100)} % of new connections go nowhere`}>
          !
        </span>
      )}
      <MarkSign mark={data.mark} />
    </button>
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

const Counts = ({ pods, isShort }: { readonly pods: readonly PodItem[]; readonly isShort: boolean }) => {
  const ready = pods.filter(({ state }) => state === 'ready').length;
  const count = ready === pods.length ? `${ready}` : `${ready} of ${pods.length}`;
  return (
    <span className="detail">
      {isShort ? count : `${count} pod${pods.length === 1 ? '' : 's'}${ready === pods.length ? '' : ' ready'}`}
    </span>
  );
};

const MachineBox = memo(({ data }: NodeProps<MachineNode>) => {
  const { node, title, pods, perRow, isGrid, isDense, chosen } = data;
  return (
    <div className={classes('machine', data, node && !node.isReady ? ' is-down' : '')}>
      <Ends />
      <div className="head">
        <span className="name">{title}</span>
        {node && !node.isReady ? (
          <span className="detail alarm-text">not ready</span>
        ) : (
          <Counts pods={pods} isShort={isDense} />
        )}
        <MarkSign mark={data.mark} />
      </div>
      {isGrid && <Grid pods={pods} perRow={perRow} chosen={chosen} />}
    </div>
  );
});

const step = square.size + square.gap;

type GridProps = Pick<MachineNode['data'], 'pods' | 'perRow' | 'chosen'>;

const Grid = memo(({ pods, perRow, chosen }: GridProps) => {
  const shapes = Map.groupBy(
    pods.map((pod, i) => ({ pod, place: { x: (i % perRow) * step, y: Math.floor(i / perRow) * step } })),
    ({ pod }) => `${pod.state}${chosen !== undefined && !chosen.has(pod.id) ? ' dim' : ''}`,
  );
  return (
    <svg
      className="grid"
      width={perRow * step}
      height={Math.ceil(pods.length / perRow) * step}
      role="img"
      aria-label={`${pods.length} pods`}
    >
      {[...shapes].map(([key, list]) => (
        <PodSquares
          key={key}
          state={list[0]!.pod.state}
          places={list.map(({ place }) => place)}
          isDim={key.endsWith(' dim')}
        />
      ))}
    </svg>
  );
});

const PodBox = memo(({ data }: NodeProps<PodNode>) => {
  const { pod } = data;
  return (
    <div className={classes('pod', data, ` ${podClass(pod.state)}`)} title={`${pod.id}: ${pod.state}`}>
      <Ends />
      <PodShape state={pod.state} />
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
