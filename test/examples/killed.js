/**
 * @file Imported into a process of the command before all else: if it is the first that collects moments, it dies by
 * SIGKILL where the file that it has written would get its name, or in the middle of its first line.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import process from 'node:process';

const { EVENKEEL_TEST_MARK: mark, EVENKEEL_TEST_CASUALTY: casualty } = process.env;

function die() {
  if (casualty === 'its parent') process.kill(process.ppid, 'SIGKILL');
  process.kill(process.pid, 'SIGKILL');
}

const isFirst = () => {
  try {
    fs.mkdirSync(mark);
    return true;
  } catch {
    return false;
  }
};

if (process.argv[2] === 'moments' && !process.argv.includes('--count') && isFirst()) {
  fs.renameSync = die;
  syncBuiltinESMExports();
  process.stdout.write = (chunk) => {
    fs.writeSync(1, chunk.slice(0, chunk.length / 2));
    die();
  };
}
