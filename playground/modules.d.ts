/// <reference types="vite/client" />

interface ImportMetaEnv {
  /** Where the site around the page is, from here, such as `../`; nothing where the page stands alone. */
  readonly VITE_SITE?: string;
}

/** What `build/argument-documentation.ts` reads from the layer's source. */
declare module 'virtual:argument-documentation' {
  /** One argument of the layer. */
  export interface ArgumentDocumentation {
    readonly name: string;
    /** Its type in TypeScript, without null. */
    readonly type: string;
    /** What its comment says. */
    readonly text: string;
    /** Its default, as it would be typed; empty where that is nothing. */
    readonly defaultText: string;
    /** Where the site explains it, from the site's beginning. */
    readonly page: string;
  }

  /** All arguments, in the order of their declaration. */
  export const ARGUMENTS: readonly ArgumentDocumentation[];
}
