/** @file Data types as Keras writes them, and the ones that TF.js takes for them. */

export interface SavedDataType {
  /** As the file has it. */
  readonly name: string;
  /** As TF.js takes it. A name that neither knows stays as it is. */
  readonly type: string;
  /** Whether TF.js lacks the precision, and float32 takes its place. */
  readonly isMissing: boolean;
}

/** @param saved a type, or a policy of types: `{ config: { name: 'mixed_float16' } }`; null if it is neither */
export function readDataType(saved: unknown): SavedDataType | null {
  const isPolicy = typeof saved === 'object' && saved !== null;
  const name = isPolicy ? (saved as { config?: { name?: unknown } | null }).config?.name : saved;
  if (typeof name !== 'string') return null;
  if (/^u?int/.test(name)) return { name, type: 'int32', isMissing: false };
  const isMissing = /16|64/.test(name);
  return { name, type: isMissing ? 'float32' : name, isMissing };
}
