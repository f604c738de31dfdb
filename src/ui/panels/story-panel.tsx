// The story of the chosen Service, in the order in which a newcomer needs it.
import { type ReactNode, useEffect, useState } from 'react';
import type { PodMatch, Story } from '../../explain/story/story.ts';
import { mostOpenDoors, podCountOf } from '../picture/layout.ts';
import { addressOf, lostOf, percent, shareOf } from '../picture/lines.ts';
import { PodShape } from '../picture/pod-squares.tsx';
import { type At, getConnections, getStory } from '../state/api.ts';
import { useAnswer } from '../state/use-answer.ts';
import type { World } from '../state/world.ts';

interface Props {
  readonly id: string | undefined;
  readonly at: At;
  readonly world: World;
  readonly onSelect: (id: string) => void;
}

/** A story is long: where much changes it is told anew so often at most. */
const storyRestMs = 1000;

export function StoryPanel({ id, at, world, onSelect }: Props) {
  const key = id && `${id} ${at} ${versionOf(id, world)}`;
  const name = id?.slice('Service '.length) ?? '';
  const { value: story, error } = useAnswer(key, () => getStory(name, at), storyRestMs);
  if (id === undefined) return <Overview world={world} onSelect={onSelect} />;
  if (error !== '') return <p role="alert">{error}</p>;
  if (!story || story.id !== id) return <p className="quiet">…</p>;
  return <Chapters story={story} world={world} at={at} />;
}

/** Changes with everything that the story is told of. */
function versionOf(id: string, world: World): string {
  const namespace = id.slice('Service '.length).split('/')[0];
  const slices = world.slicesOf.get(id) ?? [];
  const pods = [...world.podsOfNode.values()].flat().filter((pod) => pod.namespace === namespace);
  const known = JSON.stringify([world.items.get(id), slices, pods.map(({ name, state }) => `${name} ${state}`)]);
  return `${known.length} ${hash(known)}`;
}

function hash(text: string): number {
  let sum = 0;
  for (let i = 0; i < text.length; i++) sum = (Math.imul(sum, 31) + text.charCodeAt(i)) | 0;
  return sum;
}

/** Of lists of what is wrong; the first of them are enough to begin with. */
const mostTroubles = 50;

function Overview({ world, onSelect }: Pick<Props, 'world' | 'onSelect'>) {
  const { services, nodes } = world;
  const troubled = services
    .map((service) => ({ ...service, lost: lostOf(service, world) }))
    .filter(({ lost }) => lost > 0)
    .slice(0, mostTroubles);
  const unready = [...world.podsOfNode.values()]
    .flatMap((pods) => pods.filter(({ state }) => state !== 'ready' && state !== 'succeeded'))
    .slice(0, mostTroubles);
  return (
    <>
      <h2>The Service world</h2>
      <p>
        {counted(services.length, 'Service')} in front of {counted(podCountOf(world), 'pod')} on{' '}
        {counted(nodes.length, 'node')}. Doors are Services;{' '}
        {services.length > mostOpenDoors
          ? 'choose one to see its EndpointSlices in the middle, lines that say which share of new connections goes where, and its story.'
          : 'the lists in the middle are their EndpointSlices; a line says which share of new connections goes there. Choose a door to read its story.'}
      </p>
      {troubled.length > 0 && <h3>Where connections go nowhere</h3>}
      <ul className="plain">
        {troubled.map(({ id, namespace, name, lost }) => (
          <li key={id}>
            <button type="button" className="text" onClick={() => onSelect(id)}>
              {namespace}/{name}
            </button>{' '}
            <span className="quiet">{lost > 0.999 ? 'nobody answers' : `${percent(lost)}: not on every node`}</span>
          </li>
        ))}
      </ul>
      {unready.length > 0 && <h3>Pods that are not ready</h3>}
      <ul className="plain">
        {unready.map(({ id, namespace, name, state, node }) => (
          <li key={id}>
            <PodShape state={state} /> {namespace}/{name}{' '}
            <span className="quiet">
              {state}, on {node ?? 'no node'}
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

function Chapters({ story, world, at }: { readonly story: Story } & Pick<Props, 'world' | 'at'>) {
  const name = story.id.slice('Service '.length);
  return (
    <article className="story">
      <h2>{name}</h2>
      <Chapter title="The object" open={false} note={`resourceVersion ${story.resourceVersion}`}>
        <pre>{JSON.stringify(story.object, undefined, 2)}</pre>
      </Chapter>
      <Chapter title="Its address">
        <Lines lines={story.addresses} />
      </Chapter>
      <Chapter title="Who stands behind it" note={story.selector === '' ? 'no selector' : story.selector}>
        <Matches pods={story.matches} none={story.selector === '' ? 'It picks no pods.' : 'No pod has these labels.'} />
        {story.almost.length > 0 && <h3>Almost</h3>}
        {story.almost.length > 0 && <Matches pods={story.almost} none="" />}
      </Chapter>
      <Chapter title="EndpointSlices" note={`${story.slices.length}`}>
        {story.slices.map(({ id, managedBy }) => (
          <SliceTable key={id} id={id} managedBy={managedBy} world={world} service={story.id} />
        ))}
      </Chapter>
      {at === undefined && <ConnectionCounts key={story.id} id={story.id} world={world} />}
      <Chapter title="DNS records" note={`${story.records.length}`}>
        <pre>{story.records.join('\n') || 'none'}</pre>
      </Chapter>
      <Chapter title="Rules on each node" open={false} note={nodesNote(story.rules.length, world.nodes.length)}>
        {story.rules.map(({ node, lines }) => (
          <details key={node}>
            <summary>
              {node} <span className="quiet">{lines.length} lines</span>
            </summary>
            <pre>{lines.join('\n')}</pre>
          </details>
        ))}
      </Chapter>
    </article>
  );
}

const nodesNote = (told: number, all: number): string => (told < all ? `${told} of ${all} nodes` : `${told} nodes`);

const countMs = 3000;

/** Of connection tracking on all nodes, asked again and again while the story is open. */
function ConnectionCounts({ id, world }: { readonly id: string; readonly world: World }) {
  const [asked, setAsked] = useState<Awaited<ReturnType<typeof getConnections>>>();
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;
    const look = () =>
      getConnections()
        .then(setAsked, () => {})
        .finally(() => {
          if (!isOver) timer = setTimeout(look, countMs);
        });
    void look();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, []);
  const addresses = new Set(
    (world.slicesOf.get(id) ?? []).flatMap(({ endpoints }) => endpoints.map(({ address }) => address)),
  );
  const counts = new Map<string, number>();
  for (const { endpoint, count } of asked?.connections ?? []) {
    if (addresses.has(addressOf(endpoint))) {
      counts.set(endpoint, (counts.get(endpoint) ?? 0) + count);
    }
  }
  const isTold = asked !== undefined && asked.silent.length < world.nodes.length;
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return (
    <Chapter title="Connections now" note={isTold ? `${total}` : asked ? 'no node tells' : '…'}>
      <table>
        <tbody>
          {[...counts].sort().map(([endpoint, count]) => (
            <tr key={endpoint}>
              <td>{endpoint}</td>
              <td className="number">{count}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Chapter>
  );
}

interface ChapterProps {
  readonly title: string;
  readonly note?: string;
  readonly open?: boolean;
  readonly children: ReactNode;
}

function Chapter({ title, note, open = true, children }: ChapterProps) {
  return (
    <details className="chapter" open={open}>
      <summary>
        {title} {note !== undefined && <span className="quiet">{note}</span>}
      </summary>
      {children}
    </details>
  );
}

function Lines({ lines }: { readonly lines: readonly string[] }) {
  return (
    <ul className="plain">
      {lines.map((line) => (
        <li key={line}>{line}</li>
      ))}
    </ul>
  );
}

/** Of a list of pods; who wants all of them asks kubectl. */
const mostShown = 30;

function Matches({ pods, none }: { readonly pods: readonly PodMatch[]; readonly none: string }) {
  if (pods.length === 0) return <p>{none}</p>;
  return (
    <ul className="plain">
      {pods.slice(0, mostShown).map(({ id, why }) => (
        <li key={id} className={why === '' ? 'good' : 'bad'}>
          <span>{id.split('/').at(-1)}</span>
          {why !== '' && <span className="quiet">{why}</span>}
        </li>
      ))}
      {pods.length > mostShown && <li className="quiet">and {pods.length - mostShown} more</li>}
    </ul>
  );
}

interface SliceProps {
  readonly id: string;
  readonly managedBy: string;
  readonly world: World;
  readonly service: string;
}

function SliceTable({ id, managedBy, world, service }: SliceProps) {
  const slice = world.items.get(id);
  if (slice?.kind !== 'EndpointSlice') return null;
  const traffic = world.trafficOf.get(service);
  return (
    <>
      <h3>
        {slice.name} <span className="quiet">by {managedBy || 'hand'}</span>
      </h3>
      <table>
        <tbody>
          {slice.endpoints.map(({ address, node, ready, terminating }) => {
            const share = shareOf({ address }, traffic);
            return (
              <tr key={address}>
                <td>{address}</td>
                <td>{node ?? ''}</td>
                <td>{terminating ? 'terminating' : ready ? 'ready' : 'not ready'}</td>
                <td className="number">{share === 0 ? '–' : percent(share)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </>
  );
}
