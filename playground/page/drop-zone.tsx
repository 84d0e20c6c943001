/** @file Where to drop files, or to choose them with the keyboard. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { messageOf } from '../../src/text/refusal.js';
import { checkDropped } from '../shared/limits.js';
import { Refusal } from './problems.js';
import { forget, tell } from './state.js';

interface DropZoneProps {
  /** Unique in the page. */
  readonly id: string;
  readonly label: string;
  readonly hint: string;
  /** Whether what is dropped anywhere on the page is meant for it. */
  readonly isForWholePage?: boolean;
  readonly onFiles: (files: readonly File[]) => void;
}

export function DropZone({ id, label, hint, isForWholePage = false, onFiles }: DropZoneProps) {
  const zone = useRef<HTMLLabelElement>(null);
  const [isOver, setIsOver] = useState(false);
  const take = (list: FileList | null | undefined) => {
    if (!list || list.length === 0) return;
    const files = [...list];
    forget({ about: id });
    try {
      checkDropped(files);
    } catch (error) {
      tell(messageOf(error), id);
      return;
    }
    onFiles(files);
  };
  // Before the zone is painted, so that what is dropped on it is not lost.
  useLayoutEffect(() => {
    const target: EventTarget = isForWholePage ? document : zone.current!;
    const over = () => {
      setIsOver(true);
    };
    const leave = () => {
      setIsOver(false);
    };
    const drop = (event: Event) => {
      event.stopPropagation();
      setIsOver(false);
      take((event as DragEvent).dataTransfer?.files);
    };
    target.addEventListener('dragover', over);
    target.addEventListener('dragleave', leave);
    target.addEventListener('drop', drop);
    return () => {
      target.removeEventListener('dragover', over);
      target.removeEventListener('dragleave', leave);
      target.removeEventListener('drop', drop);
    };
  });
  return (
    <>
      <label ref={zone} class={isOver ? 'drop over' : 'drop'}>
        <span>{label}</span>
        <small>{hint}</small>
        <input
          type="file"
          multiple
          aria-describedby={`${id}-problem`}
          onChange={(event) => {
            take(event.currentTarget.files);
            // So that the same file can be chosen again, once it is fixed.
            event.currentTarget.value = '';
          }}
        />
      </label>
      <Refusal about={id} />
    </>
  );
}
