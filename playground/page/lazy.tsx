/** @file A part of the page that is loaded when it is first shown. */
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { tell } from './state.js';
import { messageOf } from '../../src/text/refusal.js';

/** The component that `load`'s module exports as its default. */
export function lazy(load: () => Promise<{ default: ComponentType }>): ComponentType {
  return function Lazy() {
    const [loaded, setLoaded] = useState<{ Part: ComponentType } | null>(null);
    useEffect(() => {
      load().then(
        (module) => {
          setLoaded({ Part: module.default });
        },
        (error: unknown) => {
          tell(`This part of the page cannot be loaded: ${messageOf(error)}`);
        },
      );
    }, []);
    return loaded ? <loaded.Part /> : <p aria-busy="true">Loading…</p>;
  };
}
