/** @file Too many open files, which Node meets while it reads a program's own modules, many at a time. */

/** What to say of an error that comes from the system's limit of open files; undefined for any other. */
export function describeFileLimit(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  if (code !== 'EMFILE' && code !== 'ENFILE') return undefined;
  return `Too many files are open (${code}). Raise the limit of this shell, as by 'ulimit -n 1024', or close other programs.`;
}
