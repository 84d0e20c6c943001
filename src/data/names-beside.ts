/** @file The names that a model gives to files beside it, such as its shards. A file has no business outside its folder. */
import { show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';

/**
 * The parts of a name, folders first. Names that differ in `.` and doubled slashes alone have the same.
 *
 * @throws ValueError for what is, or may be taken for, a path to elsewhere: with `..`, absolute, with a drive, a host or
 *   a protocol, with backslashes, or with what no file has in its name
 */
export function partsOfName(name: string): string[] {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  const leadsElsewhere = /^\/|^[a-z][a-z\d+.-]*:|[\\\0]/i.test(name) || parts.includes('..');
  if (leadsElsewhere || parts.length === 0 || /\/$/.test(name)) {
    throw new ValueError(
      `The model names the file ${show(name)}, which is not beside it. Accepted are names of files in its folder, and in ` +
        `folders there, with / between them. The file is damaged, or not to be trusted.`,
    );
  }
  return parts;
}
