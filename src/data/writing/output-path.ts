/** @file Where an output goes: through links, never over a file that is read, and to nothing but a file. */
import { refusing } from '../../text/refusal.js';
import { ValueError } from '../../text/value-error.js';
import { STATUS, type Status, writingModules } from './writing-modules.js';

export interface OutputOptions {
  /** Paths of files that are read. None of them is written over, by whatever name. */
  readonly inputs?: readonly string[];
  /** Whether files beside it belong to it, as its shards do to a model.json. */
  readonly hasParts?: boolean;
}

export interface Place {
  /** What links led to. */
  readonly path: string;
  /** The folder of that path, with no links in it. */
  readonly folder: string;
  /** The file that is replaced. */
  readonly replaced: Status | undefined;
}

/** As many links as Linux follows. */
const MOST_LINKS = 40;

/** Folders of what is open, which `/dev/stdout` leads to. */
const STREAMS = /^\/(proc|dev\/fd)(\/|$)/;

const INSTEAD =
  'a file is written beside its place first, and renamed. Give the name of a file, and print or copy that';

const refusal = (path: string, reason: string) => new ValueError(`Cannot write '${path}': ${reason}.`);

/**
 * Says before the work, instead of after it, that a file could not be written.
 *
 * @throws ValueError where its folder is missing or closed, where there is a folder, a device or a pipe of its name, and
 *   where it is one of the inputs
 */
export function checkOutput(path: string, { inputs = [], hasParts = false }: OutputOptions = {}): Place {
  return refusing(`Cannot write '${path}'`, () => {
    const { fs } = writingModules(path);
    const place = followLinks(path, hasParts);
    fs.accessSync(place.folder, fs.constants.W_OK | fs.constants.X_OK);
    const input = inputs.find((one) => isSameFile(statusOf(one), place.replaced));
    if (input !== undefined) {
      const isNamedSo = input === path ? '' : `the same file as '${input}', `;
      throw refusal(path, `it is ${isNamedSo}a file that is read. Give another name`);
    }
    return place;
  });
}

function followLinks(path: string, hasParts: boolean): Place {
  const { fs, paths } = writingModules(path);
  const placeOf = (link: string) => {
    // The system's own, since the other takes `..` after a link for a part of the text.
    const folder = fs.realpathSync.native(paths.dirname(link));
    return { folder, path: paths.join(folder, paths.basename(link)) };
  };
  if (path === '' || path.endsWith('/') || path.endsWith(paths.sep))
    throw refusal(path, 'it is not the name of a file');
  const given = placeOf(path);
  let place = given;
  for (let links = 0; links <= MOST_LINKS; links++) {
    if (STREAMS.test(place.folder)) throw refusal(path, `it leads to a stream, and ${INSTEAD}`);
    const found = fs.lstatSync(place.path, STATUS);
    if (!found?.isSymbolicLink()) {
      if (found?.isDirectory()) throw refusal(path, 'there is a folder of that name');
      if (found && !found.isFile()) throw refusal(path, `it is a device, a pipe or a socket, and ${INSTEAD}`);
      if (hasParts && place.folder !== given.folder) {
        throw refusal(
          path,
          `it is a link to '${place.path}', and shards lie beside what names them. Give that path`,
        );
      }
      return { ...place, replaced: found };
    }
    const target = fs.readlinkSync(place.path);
    place = placeOf(paths.isAbsolute(target) ? target : `${place.folder}${paths.sep}${target}`);
  }
  throw refusal(path, 'its links lead nowhere');
}

/** Of what is at a path, through links; undefined where nothing is, or nothing that can be reached. */
export function statusOf(path: string): Status | undefined {
  try {
    return writingModules(path).fs.statSync(path, STATUS);
  } catch {
    return undefined;
  }
}

export const isSameFile = (one: Status | undefined, other: Status | undefined): boolean =>
  one !== undefined && other !== undefined && one.dev === other.dev && one.ino === other.ino;
