/// <reference types="vite/client" />

declare module 'virtual:argument-documentation' {
  export const ARGUMENTS: readonly import('./build/argument-documentation.js').ArgumentDocumentation[];
}
