// The page: the picture, a panel beside it, the slider below.
import { useCallback, useEffect, useMemo, useState } from 'react';
import type { PlanAnswer } from '../explain/answers.ts';
import type { Picture } from '../explain/picture/picture.ts';
import type { Trace } from '../explain/trace/trace.ts';
import { Help } from './panels/help.tsx';
import { PlanPanel, type PlanSide } from './panels/plan-panel.tsx';
import { Refused } from './panels/refused.tsx';
import { StoryPanel } from './panels/story-panel.tsx';
import { TimeBar } from './panels/time-bar.tsx';
import { TopBar } from './panels/top-bar.tsx';
import { TracePanel } from './panels/trace-panel.tsx';
import { marksOf } from './picture/marks.ts';
import { PictureView } from './picture/picture-view.tsx';
import { PodShape } from './picture/pod-squares.tsx';
import { type At, getPicture } from './state/api.ts';
import { useAnswer } from './state/use-answer.ts';
import { useLiveWorld } from './state/use-live-world.ts';
import { type World, worldOf } from './state/world.ts';

export type Panel = 'story' | 'trace' | 'plan';

interface Planned {
  readonly answer: PlanAnswer;
  readonly side: PlanSide;
}

const panelKeys: Readonly<Record<string, Panel>> = { s: 'story', t: 'trace', p: 'plan' };

export function App() {
  const { world: live, link } = useLiveWorld();
  const [panel, setPanel] = useState<Panel>('story');
  const [selected, setSelected] = useState<string>();
  const [at, setAt] = useState<At>();
  const [trace, setTrace] = useState<Trace>();
  const [here, setHere] = useState<string>();
  const [plan, setPlan] = useState<Planned>();
  const [isHelp, setHelp] = useState(false);
  const past = useAnswer(at === undefined ? undefined : String(at), () => getPicture(at));
  const world = useMemo(() => shownWorld(live, past.value, plan), [live, past.value, plan]);
  const marks = useMemo(() => marksOf(plan?.answer), [plan?.answer]);
  const select = useCallback((id: string | undefined) => {
    setSelected(id);
    if (id === undefined) return;
    setTrace(undefined);
    setPlan(undefined);
    setPanel('story');
  }, []);
  const open = useCallback((next: Panel) => {
    setPanel(next);
    if (next !== 'trace') setTrace(undefined);
    if (next !== 'plan') setPlan(undefined);
  }, []);
  useKeys({ open, onEscape: () => (isHelp ? setHelp(false) : select(undefined)), onHelp: () => setHelp((is) => !is) });
  if (link === 'refused') return <Refused why="the session has ended" />;
  const exists = selected !== undefined && world.items.has(selected) ? selected : undefined;
  return (
    <div className="app">
      <TopBar world={world} link={link} panel={panel} onOpen={open} onSelect={select} onHelp={() => setHelp(true)} />
      <main className="stage" data-revision={world.revision}>
        <PictureView
          world={world}
          selected={exists}
          trace={trace}
          here={trace && here}
          marks={marks}
          onSelect={select}
        />
        {link === 'lost' && <Lost since={live.time} />}
        <Legend />
      </main>
      <aside className="panel" aria-label={panel}>
        {panel === 'story' && <StoryPanel key={exists} id={exists} at={at} world={world} onSelect={select} />}
        {panel === 'trace' && <TracePanel world={world} at={at} trace={trace} onTrace={setTrace} onStep={setHere} />}
        {panel === 'plan' && (
          <PlanPanel
            world={live}
            answer={plan?.answer}
            side={plan?.side ?? 'after'}
            onPlan={(answer) => setPlan(answer && { answer, side: 'after' })}
            onSide={(side) => setPlan((before) => before && { ...before, side })}
          />
        )}
      </aside>
      <TimeBar live={live} at={at} onAt={setAt} error={past.error} />
      {isHelp && <Help onClose={() => setHelp(false)} />}
    </div>
  );
}

function shownWorld(live: World, past: Picture | undefined, plan: Planned | undefined): World {
  if (plan) return worldOf(plan.answer[plan.side], live);
  return past ? worldOf(past.items, past) : live;
}

interface Keys {
  readonly open: (panel: Panel) => void;
  readonly onEscape: () => void;
  readonly onHelp: () => void;
}

function useKeys({ open, onEscape, onHelp }: Keys): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const isTyping =
        event.target instanceof Element && event.target.matches('input:not([type=range]), textarea, select');
      if (event.key === 'Escape') {
        if (isTyping) (event.target as HTMLElement).blur();
        else onEscape();
        return;
      }
      if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
      const panel = panelKeys[event.key];
      if (panel) open(panel);
      else if (event.key === '?') onHelp();
      else if (event.key === '/') document.getElementById('find')?.focus();
      else if (event.key === 'h') document.getElementById('time')?.focus();
      else return;
      event.preventDefault();
    };
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  }, [open, onEscape, onHelp]);
}

function Lost({ since }: { readonly since: number }) {
  return (
    <p role="alert" className="lost-note">
      The API server does not answer{since > 0 && `: this is the picture of ${new Date(since).toLocaleTimeString()}`}.
      The page goes on by itself when it does; if it does not, ask for a new link with <code>portico ui</code>.
    </p>
  );
}

const legend = ['ready', 'not ready', 'waiting', 'terminating', 'failed'] as const;

function Legend() {
  return (
    <ul className="legend" aria-label="Legend">
      {legend.map((state) => (
        <li key={state}>
          <PodShape state={state} />
          {state}
        </li>
      ))}
    </ul>
  );
}
