// The keys.
import { useEffect, useRef } from 'react';

const keys: readonly [string, string][] = [
  ['Tab, Enter', 'go from Service to Service, choose one'],
  ['/', 'find a Service by name'],
  ['s', 'story of the chosen Service'],
  ['t', 'trace a packet'],
  ['p', 'plan a change'],
  ['h', 'history: then arrow keys walk through it'],
  ['n, b', 'next and previous step of a trace'],
  ['Esc', 'let go of the choice'],
];

export function Help({ onClose }: { readonly onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} className="help" onClose={onClose} aria-label="Keys">
      <h2>Keys</h2>
      <dl>
        {keys.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <button type="button" onClick={onClose}>
        Close
      </button>
    </dialog>
  );
}
