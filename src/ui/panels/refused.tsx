// What is shown to those who have no session.
export function Refused({ why }: { readonly why: string }) {
  return (
    <main className="refused">
      <h1>Portico</h1>
      <p role="alert">This page does not open: {why}.</p>
      <p>
        Links open once. Ask for another with <code>portico ui</code> on the machine of the API server.
      </p>
    </main>
  );
}
