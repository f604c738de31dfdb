// Questions that a user asks in a form: the answer goes to whoever shows it, a refusal is shown in the server's words.
import { type ReactNode, useState } from 'react';

interface AskProps<T> {
  readonly title: string;
  /** On the button. */
  readonly verb: string;
  readonly isComplete: boolean;
  readonly ask: () => Promise<T>;
  readonly onAnswer: (answer: T | undefined) => void;
  readonly children: ReactNode;
}

export function AskForm<T>({ title, verb, isComplete, ask, onAnswer, children }: AskProps<T>) {
  const [error, setError] = useState('');
  const [isAsking, setAsking] = useState(false);
  const submit = async () => {
    setAsking(true);
    try {
      onAnswer(await ask());
      setError('');
    } catch (failure) {
      onAnswer(undefined);
      setError(failure instanceof Error ? failure.message : String(failure));
    } finally {
      setAsking(false);
    }
  };
  return (
    <>
      <h2>{title}</h2>
      <form
        className="ask"
        onSubmit={(event) => {
          event.preventDefault();
          if (isComplete && !isAsking) void submit();
        }}
      >
        {children}
        <button type="submit" className="go" disabled={!isComplete} aria-busy={isAsking}>
          {verb}
        </button>
      </form>
      {error !== '' && <p role="alert">{error}</p>}
    </>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly name: string;
  readonly value: string;
  readonly placeholder: string;
  readonly choices: () => Iterable<string>;
  readonly onChange: (value: string) => void;
}

/** A list of more is not read by anybody. */
const mostChoices = 1000;

/** Proposes what there is when somebody comes to it: the world may change faster than a list of it can be read. */
export function Choice({ label, name, value, placeholder, choices, onChange }: ChoiceProps) {
  const [listed, setListed] = useState<readonly string[]>([]);
  return (
    <label>
      {label}
      <input
        name={name}
        list={`choices-${name}`}
        value={value}
        placeholder={placeholder}
        autoComplete="off"
        onFocus={() => setListed(Iterator.from(choices()).take(mostChoices).toArray())}
        onChange={(event) => onChange(event.target.value)}
      />
      <datalist id={`choices-${name}`}>
        {listed.map((choice) => (
          <option key={choice} value={choice} />
        ))}
      </datalist>
    </label>
  );
}
