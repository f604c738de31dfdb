// The slider through history.
import { useEffect, useState } from 'react';
import { type At, getHistory } from '../state/api.ts';
import type { World } from '../state/world.ts';

interface Props {
  readonly live: World;
  readonly at: At;
  readonly onAt: (at: At) => void;
  /** Of the picture that was asked for. */
  readonly error: string;
}

type History = Awaited<ReturnType<typeof getHistory>>;

const readMs = 2000;
const timeText = (time: number): string => new Date(time).toLocaleTimeString();

export function TimeBar({ live, at, onAt, error }: Props) {
  const [history, setHistory] = useState<History>();
  const [isBusy, setBusy] = useState(false);
  // While the past is looked at, the slider stands still under the hand.
  const { revision } = live;
  // biome-ignore lint/correctness/useExhaustiveDependencies: history grows with the revision
  useEffect(() => {
    if (at !== undefined || isBusy) return;
    setBusy(true);
    getHistory()
      .then(setHistory, () => {})
      .finally(() => setTimeout(() => setBusy(false), readMs));
  }, [revision, at, isBusy]);
  if (!history) return <footer className="time" />;
  const { first, changes } = history;
  const index = at === undefined ? changes.length : changes.findLastIndex((change) => change.revision <= at) + 1;
  const change = changes[index - 1];
  const moment = change ?? first;
  const go = (to: number) => onAt(to >= changes.length ? undefined : (changes[to - 1]?.revision ?? first.revision));
  return (
    <footer className={`time${at === undefined ? '' : ' past'}`}>
      <label htmlFor="time">History</label>
      <input
        id="time"
        type="range"
        min={0}
        max={changes.length}
        value={index}
        aria-valuetext={at === undefined ? 'now' : `revision ${at}, ${timeText(moment.time)}`}
        onChange={(event) => go(Number(event.target.value))}
      />
      <output htmlFor="time">
        {at === undefined ? 'now' : timeText(moment.time)} · revision {at ?? revision}
        {change && at !== undefined && ` · ${change.id} ${change.change}`}
        {error !== '' && ` · ${error}`}
      </output>
      <button type="button" disabled={at === undefined} onClick={() => onAt(undefined)}>
        Now
      </button>
    </footer>
  );
}
