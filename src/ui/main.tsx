// Starts the page: a session first, then the picture.
import '@xyflow/react/dist/base.css';
import './style.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { Refused } from './panels/refused.tsx';
import { openSession } from './state/api.ts';

// Another link in the address bar of a page that is open, because its session has ended: only the part after # is another.
addEventListener('hashchange', () => location.reload());

const root = createRoot(document.getElementById('root') ?? document.body);
const page = await openSession().then(
  () => <App />,
  (error: unknown) => <Refused why={error instanceof Error ? error.message : String(error)} />,
);
root.render(<StrictMode>{page}</StrictMode>);
