/** @file One setting's control: what is typed or chosen is asked for, and what is refused stays to be corrected. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { messageOf } from '../../src/text/refusal.js';
import { Refusal } from './problems.js';
import { problems, tell } from './state.js';

interface ControlProps {
  /** Unique in the page. */
  readonly id: string;
  readonly label: string;
  /** The value that holds, as text. */
  readonly value: string;
  /** What there is to choose from, and each choice's title; without, it is a field to type in. */
  readonly choices?: readonly (readonly [value: string, title: string])[];
  readonly isNumber?: boolean;
  readonly isDisabled?: boolean;
  /** What a field shows that is empty. */
  readonly placeholder?: string;
  /** What to offer for typing. */
  readonly suggestions?: readonly string[];
  /** The element that describes the control. */
  readonly description?: string;
  /**
   * @returns whether the value was taken
   * @throws for what cannot be a value; that is then told at the control
   */
  readonly onChange: (text: string) => Promise<boolean>;
  /** Stands beside the label. */
  readonly children?: ComponentChildren;
}

export function Control(props: ControlProps) {
  const { id, label, value, choices, suggestions, isDisabled = false, children } = props;
  const [text, setText] = useState(value);
  /** How many changes were taken: each shows the value that holds, even where that is the same as before. */
  const [taken, setTaken] = useState(0);
  /** How much was asked for that is not answered yet. */
  const waiting = useRef(0);
  /** What was asked for last, or the value: any other text is being typed. */
  const known = useRef(value);
  useEffect(() => {
    // What was asked for last, and what is typed meanwhile, stays.
    if (waiting.current > 0) return;
    setText((now) => (now === known.current ? value : now));
    known.current = value;
  }, [value, taken, id]);
  const problem = problems.value.find(({ about }) => about === id);
  const describedBy = [problem && `${id}-problem`, props.description].filter(Boolean).join(' ') || undefined;
  const common = {
    id,
    value: text,
    disabled: isDisabled,
    'aria-invalid': problem ? true : undefined,
    'aria-describedby': describedBy,
  };
  const take = async (asked: string): Promise<boolean> => {
    try {
      return await props.onChange(asked);
    } catch (error) {
      tell(messageOf(error), id);
      return false;
    }
  };
  const ask = async (asked: string) => {
    setText(asked);
    known.current = asked;
    if (asked === value && !problem && waiting.current === 0) return;
    waiting.current++;
    const isTaken = await take(asked);
    waiting.current--;
    // A refused text can be corrected, a refused choice cannot.
    if (isTaken || choices) setTaken((count) => count + 1);
  };
  return (
    <div class="control">
      <span class="label">
        <label for={id}>{label}</label>
        {children}
      </span>
      {choices ? (
        <select {...common} onChange={(event) => void ask(event.currentTarget.value)}>
          {choices.map(([choice, title]) => (
            <option key={choice} value={choice}>
              {title}
            </option>
          ))}
        </select>
      ) : (
        <input
          {...common}
          type={props.isNumber ? 'number' : 'text'}
          step="any"
          autocomplete="off"
          spellcheck={false}
          placeholder={props.placeholder}
          list={suggestions && `${id}-suggestions`}
          onInput={(event) => {
            setText(event.currentTarget.value);
          }}
          onChange={(event) => void ask(event.currentTarget.value)}
        />
      )}
      {suggestions && (
        <datalist id={`${id}-suggestions`}>
          {suggestions.map((suggestion) => (
            <option key={suggestion} value={suggestion} />
          ))}
        </datalist>
      )}
      <Refusal about={id} />
    </div>
  );
}
