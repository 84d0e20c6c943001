/** @file Keeps what is written to console.warn and console.error, for a test to take. What nobody takes fails it. */

/** What was written since recording began, or since it was last taken. */
let messages: string[] = [];

/** Takes the warnings so far, so that they do not fail the test. */
export function takeWarnings(): string[] {
  const taken = messages;
  messages = [];
  return taken;
}

/** From now on warnings and errors are kept rather than shown. Returns what ends this. */
export function recordWarnings(): () => void {
  const { warn, error } = console;
  takeWarnings();
  console.warn = console.error = (...message: unknown[]) => {
    messages.push(message.map(String).join(' '));
  };
  return () => {
    Object.assign(console, { warn, error });
  };
}
