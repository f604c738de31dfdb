// The name, the finder, the choice of panel.
import { memo, useState } from 'react';
import type { Panel } from '../app.tsx';
import type { Link } from '../state/use-live-world.ts';
import type { World } from '../state/world.ts';

interface Props {
  readonly world: World;
  readonly link: Link;
  readonly panel: Panel;
  readonly onOpen: (panel: Panel) => void;
  readonly onSelect: (id: string | undefined) => void;
  readonly onHelp: () => void;
}

const panels: readonly [Panel, string, string][] = [
  ['story', 'Story', 's'],
  ['trace', 'Trace', 't'],
  ['plan', 'Plan', 'p'],
];
const linkTexts: Readonly<Record<Link, string>> = {
  connecting: 'connecting',
  live: 'live',
  lost: 'connection lost, trying again',
  refused: 'refused',
};

const Names = memo(({ services }: Pick<World, 'services'>) =>
  services.slice(0, 500).map(({ id, namespace, name }) => <option key={id} value={`${namespace}/${name}`} />),
);

export function TopBar({ world, link, panel, onOpen, onSelect, onHelp }: Props) {
  const [text, setText] = useState('');
  const find = (wanted: string) => {
    setText(wanted);
    const found = world.services.find(({ namespace, name }) => `${namespace}/${name}` === wanted);
    if (!found) return;
    onSelect(found.id);
    setText('');
  };
  return (
    <header className="top">
      <h1>
        <svg className="logo" viewBox="0 0 32 32" aria-hidden="true">
          <path d="M4 28V13a12 12 0 0 1 24 0v15h-6V13a6 6 0 0 0-12 0v15z" />
        </svg>
        Portico
      </h1>
      <form
        className="find"
        onSubmit={(event) => {
          event.preventDefault();
          const match = world.services.find(({ namespace, name }) => `${namespace}/${name}`.includes(text));
          if (match && text !== '') find(`${match.namespace}/${match.name}`);
        }}
      >
        <input
          id="find"
          type="search"
          list="services"
          placeholder="Find a Service  ( / )"
          aria-label="Find a Service"
          value={text}
          onChange={(event) => find(event.target.value)}
        />
        <datalist id="services">
          <Names services={world.services} />
        </datalist>
      </form>
      <nav>
        {panels.map(([name, title, key]) => (
          <button
            key={name}
            type="button"
            aria-pressed={panel === name}
            aria-keyshortcuts={key}
            onClick={() => onOpen(name)}
          >
            {title}
          </button>
        ))}
        <button type="button" aria-label="Keys" aria-keyshortcuts="?" onClick={onHelp}>
          ?
        </button>
      </nav>
      <p className={`link link-${link}`} role="status">
        {linkTexts[link]}
      </p>
    </header>
  );
}
