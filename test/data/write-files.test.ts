/** @file Files are written whole or not at all, where links lead to, never over what is read, and nothing is left over. */
import { spawnSync } from 'node:child_process';
import fs, {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { checkOutput, nameParts, writeOutput } from 'evenkeel/data';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { makeId } from '../../src/data/writing/drafts.js';
import { makeFolder } from '../cli/files.js';
import { leftIn, numberOf, writeNumbered } from '../cli/numbered.js';

afterEach(() => {
  vi.restoreAllMocks();
});

const bytesOf = (text: string) => new TextEncoder().encode(text);
const write = (path: string, text = 'new') => writeOutput(path, bytesOf(text));
const read = (path: string) => readFileSync(path, 'utf8');

/** A folder with files in it. */
function folderWith(files: Record<string, string>): string {
  const folder = makeFolder();
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}

/** Has functions of `node:fs` do something else. */
function replaceFunctions(replaced: Partial<typeof fs>): void {
  const moduleNamed = process.getBuiltinModule.bind(process);
  vi.spyOn(process, 'getBuiltinModule').mockImplementation((name: string) =>
    name === 'node:fs' ? { ...fs, ...replaced } : moduleNamed(name),
  );
}

const errorOf = (code: string) => Object.assign(new Error(`${code}: said by the test`), { code });

/** The shards of a model, in order. */
const shardsOf = (path: string) =>
  (JSON.parse(read(path)) as { weightsManifest: [{ paths: string[] }] }).weightsManifest[0].paths;

/** Of a process that is no more. */
const deadId = () => makeId().replace(/-\d+-\d+-/, '-999999999-1-');

describe('links', () => {
  it('to a file, to nothing yet, and through folders are followed, and stay', async () => {
    const folder = folderWith({ 'a.h5': 'old' });
    mkdirSync(join(folder, 'deep/er'), { recursive: true });
    symlinkSync('a.h5', join(folder, 'file.h5'));
    symlinkSync('deep/none.h5', join(folder, 'dangling.h5'));
    symlinkSync('deep/er', join(folder, 'way'));
    // Beside `deep/er`, not beside the link to it.
    symlinkSync('way/../up.h5', join(folder, 'up.h5'));
    for (const name of ['file.h5', 'dangling.h5', 'way/in.h5', 'up.h5'])
      await write(join(folder, name), name);
    for (const name of ['file.h5', 'dangling.h5', 'up.h5'])
      expect(lstatSync(join(folder, name)).isSymbolicLink()).toBe(true);
    expect(
      ['a.h5', 'deep/none.h5', 'deep/er/in.h5', 'deep/up.h5'].map((name) => read(join(folder, name))),
    ).toEqual(['file.h5', 'dangling.h5', 'way/in.h5', 'up.h5']);
  });

  it('to a model.json in another folder are refused, since shards lie beside it', async () => {
    const folder = folderWith({});
    mkdirSync(join(folder, 'there'));
    await writeNumbered(join(folder, 'there/model.json'), 1);
    symlinkSync('there/model.json', join(folder, 'link.json'));
    await expect(writeNumbered(join(folder, 'link.json'), 2)).rejects.toThrow(
      /is a link to '.*there\/model\.json', and shards lie beside .*\. Give that path\.$/,
    );
    symlinkSync('model.json', join(folder, 'there/link.json'));
    await writeNumbered(join(folder, 'there/link.json'), 2);
    expect(numberOf(join(folder, 'there/link.json'))).toBe(2);
    expect(leftIn(join(folder, 'there/model.json'))).toEqual(['link.json']);
  });
});

describe('permissions', () => {
  it('of a file that is replaced are kept, and those of new files are as ever', async () => {
    const path = join(makeFolder(), 'model.json');
    await writeNumbered(path, 1);
    writeFileSync(join(path, '../any'), '');
    expect(statSync(path).mode).toBe(statSync(join(path, '../any')).mode);
    for (const mode of [0o600, 0o640, 0o444]) {
      chmodSync(path, mode);
      await writeNumbered(path, mode);
      const files = [path, ...shardsOf(path).map((name) => join(path, '..', name))];
      expect(files.map((file) => statSync(file).mode & 0o7777)).toEqual(files.map(() => mode));
    }
  });
});

describe('what is no file', () => {
  it.each([
    ['folder', 'there is a folder of that name'],
    ['fifo', 'it is a device, a pipe or a socket'],
    ['/dev/null', 'it is a device, a pipe or a socket'],
    ['/dev/stdout', 'it leads to a stream, and a file is written beside its place first'],
    ['stdout', 'it leads to a stream'],
    ['loop', 'its links lead nowhere'],
    ['none/a.h5', 'ENOENT'],
    ['a.h5/b.h5', 'ENOTDIR'],
    ['a.h5/', 'it is not the name of a file'],
    ['..', 'there is a folder of that name'],
    ['a\0', 'null bytes'],
    ['n'.repeat(256), 'ENAMETOOLONG'],
  ])('%j is refused before the work', async (name, reason) => {
    const folder = folderWith({ 'a.h5': 'old' });
    mkdirSync(join(folder, 'folder'));
    spawnSync('mkfifo', [join(folder, 'fifo')]);
    symlinkSync('/dev/stdout', join(folder, 'stdout'));
    symlinkSync('loop', join(folder, 'loop'));
    const before = readdirSync(folder);
    const path = name.startsWith('/') ? name : `${folder}/${name}`;
    const refusal = expect.objectContaining({
      name: 'ValueError',
      message: expect.stringContaining(reason) as string,
    }) as Error;
    expect(() => checkOutput(path)).toThrow(refusal);
    await expect(write(path)).rejects.toThrow(refusal);
    expect(readdirSync(folder)).toEqual(before);
  });
});

describe('a file that is read', () => {
  it('is not written over, by whatever name', async () => {
    const folder = folderWith({ 'model.h5': 'old' });
    const input = join(folder, 'model.h5');
    linkSync(input, join(folder, 'hard.h5'));
    symlinkSync('hard.h5', join(folder, 'soft.h5'));
    symlinkSync('.', join(folder, 'here'));
    for (const name of ['model.h5', 'hard.h5', 'soft.h5', 'here/model.h5', 'here/./here/model.h5']) {
      const path = `${folder}/${name}`;
      await expect(writeOutput(path, bytesOf('new'), { inputs: ['none', input] })).rejects.toThrow(
        /^Cannot write '.*': it is (the same file as '.*model\.h5', )?a file that is read\. Give another name\.$/,
      );
    }
    expect(read(input)).toBe('old');
  });

  it('is not written over where it came to be there during the work', async () => {
    const folder = folderWith({ 'model.h5': 'old' });
    const [input, output] = [join(folder, 'model.h5'), join(folder, 'out.h5')];
    const writing = writeOutput(output, bytesOf('new'), { inputs: [input] });
    symlinkSync('model.h5', output);
    await expect(writing).rejects.toThrow('it is the same file as');
    expect(read(input)).toBe('old');
    expect(readdirSync(folder).sort()).toEqual(['model.h5', 'out.h5']);
  });
});

it.each(['n'.repeat(250), 'ü'.repeat(125), "$&$'$`$$", 'a\nb', 'http:a\\b', '-rf', '日本'])(
  'a name like %j is no matter',
  async (stem) => {
    const path = join(makeFolder(), `${stem}.json`);
    for (const number of [1, 2]) {
      await writeNumbered(path, number);
      expect([numberOf(path), leftIn(path)]).toEqual([number, []]);
    }
  },
);

describe('shards', () => {
  it('are named by their order and their content', () => {
    expect([...nameParts('a/model.json', [bytesOf('one'), bytesOf('two')]).keys()]).toEqual([
      'model-shard1of2.7692c3ad3540bb80.bin',
      'model-shard2of2.3fc4ccfe745870e2.bin',
    ]);
    // As addresses and every system take them.
    expect([...nameParts('http:a\\b?c#d%41\n$&ü .json', [bytesOf('one')]).keys()]).toEqual([
      'http_a_b_c_d_41_$&ü -shard1of1.7692c3ad3540bb80.bin',
    ]);
  });

  it('of the model before are removed, where nothing names them', async () => {
    const path = join(makeFolder(), 'model.json');
    for (const number of [1, 2, 2, 1]) await writeNumbered(path, number);
    expect([numberOf(path), leftIn(path)]).toEqual([1, []]);
  });

  it('are removed, too, of a model that an editor has put a byte order mark before', async () => {
    const path = join(makeFolder(), 'model.json');
    await writeNumbered(path, 1);
    writeFileSync(path, `\ufeff${read(path)}`);
    await writeNumbered(path, 2);
    expect([numberOf(path), leftIn(path)]).toEqual([2, []]);
  });

  it('are in their folder on the disk before what names them', async () => {
    const path = join(makeFolder(), 'model.json');
    const calls: unknown[] = [];
    replaceFunctions({
      renameSync(from, to) {
        calls.push(to);
        fs.renameSync(from, to);
      },
      fsyncSync(file) {
        calls.push('sync');
        fs.fsyncSync(file);
      },
    });
    await writeNumbered(path, 1);
    expect(calls.slice(-3)).toEqual(['sync', path, 'sync']);
  });

  it('stay where another file of the folder names them, whatever it is called', async () => {
    for (const name of ['other.json', 'model.json.bak', 'list']) {
      const path = join(makeFolder(), 'model.json');
      await writeNumbered(path, 1);
      copyFileSync(path, join(path, '..', name));
      await writeNumbered(path, 2);
      expect(numberOf(join(path, '..', name))).toBe(1);
    }
  });

  it('stay where they are named in another way', async () => {
    const path = join(makeFolder(), 'ü.json');
    await writeNumbered(path, 1);
    const [first, second] = shardsOf(path);
    writeFileSync(
      join(path, '../escaped.json'),
      `{"weightsManifest":[{"paths":["${encodeURIComponent(first!)}"]}]}`,
    );
    writeFileSync(join(path, '../list.json'), `\ufeff {"files":["./\\u00fc${second!.slice(1)}"]}`);
    await writeNumbered(path, 2);
    expect(leftIn(path).sort()).toEqual([first, second, 'escaped.json', 'list.json'].sort());
  });

  it('of a model of the same numbers beside it are no reason to stay', async () => {
    const path = join(makeFolder(), 'model.json');
    await writeNumbered(path, 1);
    await writeNumbered(join(path, '../other.json'), 1);
    await writeNumbered(path, 2);
    expect(leftIn(path)).toHaveLength(9);
    expect(numberOf(join(path, '../other.json'))).toBe(1);
  });

  it('stay where they are no longer what was written, are read, or were not written here', async () => {
    const path = join(makeFolder(), 'model.json');
    await writeNumbered(path, 1);
    const [changed, link, folder, input] = shardsOf(path).map((name) => join(path, '..', name));
    fs.appendFileSync(changed!, 'by hand');
    fs.renameSync(link!, `${link!}.kept`);
    symlinkSync(`${link!}.kept`, link!);
    fs.rmSync(folder!);
    mkdirSync(folder!);
    const others = ['group1-shard1of1.bin', 'model-shard1of1.bin', 'precious.bin'];
    const model = JSON.parse(read(path)) as { weightsManifest: [{ paths: string[] }] };
    model.weightsManifest[0].paths.push(...others, '../up-shard1of1.0123456789abcdef.bin');
    writeFileSync(path, JSON.stringify(model));
    for (const name of others) writeFileSync(join(path, '..', name), name);
    const parts = nameParts(path, [bytesOf('new')]);
    const json = JSON.stringify({ weightsManifest: [{ paths: [...parts.keys()] }] });
    await writeOutput(path, bytesOf(json), { parts, inputs: [input!] });
    const kept = [changed!, link!, `${link!}.kept`, folder!, input!].map((one) =>
      one.slice(path.length - 10),
    );
    expect(leftIn(path).sort()).toEqual([...kept, ...others].sort());
  });

  it.each(['file', 'folder'])('whose name a %s of another content has are not written', async (kind) => {
    const path = join(makeFolder(), 'model.json');
    await writeNumbered(path, 1);
    const [name] = nameParts(path, [bytesOf('new')]).keys();
    const taken = join(path, '..', name!);
    if (kind === 'file') writeFileSync(taken, "another model's");
    else mkdirSync(taken);
    const parts = nameParts(path, [bytesOf('new')]);
    await expect(writeOutput(path, bytesOf('{}'), { parts })).rejects.toThrow(
      /^Cannot write '.*': something else is there, which may be another model's\. Move it away/,
    );
    expect([numberOf(path), leftIn(path)]).toEqual([1, [name]]);
  });
});

describe('what fails on the way', () => {
  it('leaves the old model, and nothing else, as on a full disk', async () => {
    const path = join(makeFolder(), 'model.json');
    await writeNumbered(path, 1);
    for (const name of ['renameSync', 'writeFileSync', 'openSync', 'readdirSync'] as const) {
      for (let call = 0; ; call++) {
        let calls = 0;
        replaceFunctions({
          [name]: (...args: unknown[]) => {
            if (calls++ === call) throw errorOf('ENOSPC');
            return (fs[name] as (...args: unknown[]) => unknown)(...args);
          },
        });
        const error: unknown = await writeNumbered(path, 2).catch((reason: unknown) => reason);
        vi.restoreAllMocks();
        const number = numberOf(path);
        // Where only what comes after the renames failed, the model is written.
        expect(number).toBe(error === undefined ? 2 : 1);
        if (error !== undefined)
          expect(error).toMatchObject({
            name: 'ValueError',
            message: `Cannot write '${path}': ENOSPC: said by the test`,
          });
        await writeNumbered(path, 1);
        expect(leftIn(path)).toEqual([]);
        if (calls <= call) break;
      }
    }
  });

  it('where no hard links are, the lock is made otherwise', async () => {
    const path = join(makeFolder(), 'model.json');
    replaceFunctions({
      linkSync() {
        throw errorOf('EPERM');
      },
    });
    await Promise.all([1, 2, 3].map((number) => writeNumbered(path, number)));
    expect([1, 2, 3]).toContain(numberOf(path));
    expect(leftIn(path)).toEqual([]);
  });

  it('or is aborted, at any moment, leaves the old model, or finishes', async () => {
    const path = join(makeFolder(), 'model.json');
    await writeNumbered(path, 0);
    let number = 0;
    for (let turns = 0; turns < 60; turns++) {
      const controller = new AbortController();
      const reason = new Error('enough');
      const writing = writeNumbered(path, number + 1, controller.signal).then(
        () => (number += 1),
        (error: unknown) => {
          expect(error).toBe(reason);
        },
      );
      for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
      controller.abort(reason);
      await writing;
      expect([numberOf(path), leftIn(path)]).toEqual([number, []]);
    }
  });
});

describe('several writers', () => {
  it('at once leave one of their models, whole', async () => {
    const path = join(makeFolder(), 'model.json');
    await Promise.all(Array.from({ length: 20 }, (_, number) => writeNumbered(path, number)));
    expect(numberOf(path)).toBeGreaterThanOrEqual(0);
    expect(leftIn(path)).toEqual([]);
  });

  it('wait for each other, and say for whom', async () => {
    const path = join(makeFolder(), 'model.json');
    const lock = join(path, '../.evenkeel.lock');
    const holder = makeId().replace(/^\w+-\d+/, '00000000-4711');
    writeFileSync(lock, `${holder} elsewhere\n`);
    const controller = new AbortController();
    const writing = writeNumbered(path, 1, controller.signal);
    setTimeout(() => {
      controller.abort();
    }, 100);
    await expect(writing).rejects.toThrow('This operation was aborted');
    let now = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => (now += 20_000));
    await expect(writeNumbered(path, 1)).rejects.toThrow(
      /by that file, process 4711 on elsewhere is writing in its folder\. Wait for it; if it runs no more, remove that file\.$/,
    );
    expect(readdirSync(join(path, '..'))).toEqual(['.evenkeel.lock']);
  });
});

describe('what a killed process left', () => {
  it('is removed, and what living processes and other machines write is not', async () => {
    const path = join(makeFolder(), 'model.json');
    await writeNumbered(path, 1);
    const draft = (id: string) => `.evenkeel-${id}.draft`;
    // A later process has the number of the one that was killed.
    const reused = makeId().replace(/-\d+-(\w+)$/, '-1-$1');
    const kept = [draft(makeId()), draft(`00000000${deadId().slice(8)}`), '.evenkeel-mine.draft'];
    const files = [draft(deadId()), draft(reused), `.evenkeel.lock.${deadId()}`, ...kept];
    for (const name of files) writeFileSync(join(path, '..', name), `${deadId()} here\n`);
    writeFileSync(join(path, '../.evenkeel.lock'), `${deadId()} here\n`);
    await writeNumbered(path, 2);
    expect(leftIn(path).sort()).toEqual([...kept].sort());
  });

  it('in a journal is removed, but for what is named, or is no shard', async () => {
    const path = join(makeFolder(), 'model.json');
    await writeNumbered(path, 1);
    const [left] = nameParts(path, [bytesOf('left')]).keys();
    writeFileSync(join(path, '..', left!), 'left');
    writeFileSync(join(path, '../precious.bin'), '');
    const up = join(path, '..', '..', left!);
    writeFileSync(up, 'left');
    const journal = join(path, '../.evenkeel.journal');
    writeFileSync(journal, JSON.stringify([left, 'precious.bin', `../${left!}`, ...shardsOf(path), 7]));
    await writeNumbered(join(path, '../other.json'), 5);
    expect(existsSync(up)).toBe(true);
    fs.rmSync(up);
    expect(numberOf(path)).toBe(1);
    expect(leftIn(path)).not.toContain(left);
    expect(leftIn(path)).toContain('precious.bin');
    expect(existsSync(journal)).toBe(false);
    writeFileSync(journal, 'not a journal');
    await writeNumbered(path, 2);
    expect(existsSync(journal)).toBe(false);
  });

  it('in a journal is removed the next time, where something keeps from it', async () => {
    const path = join(makeFolder(), 'model.json');
    await writeNumbered(path, 1);
    const [left] = nameParts(path, [bytesOf('left')]).keys();
    for (let call = 0; ; call++) {
      writeFileSync(join(path, '..', left!), 'left');
      writeFileSync(join(path, '../.evenkeel.journal'), JSON.stringify([left]));
      let calls = 0;
      replaceFunctions({
        readdirSync: ((folder: string) => {
          if (calls++ === call) throw errorOf('EIO');
          return fs.readdirSync(folder);
        }) as typeof fs.readdirSync,
      });
      await writeNumbered(path, 2).catch(() => undefined);
      vi.restoreAllMocks();
      await writeNumbered(path, 1);
      expect(leftIn(path)).toEqual([]);
      if (calls <= call) break;
    }
  });

  it('a lock, is not taken from who was faster to take it over', async () => {
    const path = join(makeFolder(), 'model.json');
    const lock = join(path, '../.evenkeel.lock');
    writeFileSync(lock, `${deadId()} here\n`);
    const faster = `${makeId()} here\n`;
    const controller = new AbortController();
    replaceFunctions({
      linkSync(from, to) {
        fs.linkSync(from, to);
        if (to === lock) return;
        writeFileSync(lock, faster);
        // Only now: a busy machine may take long to come here.
        setTimeout(() => {
          controller.abort(new Error('timeout'));
        }, 100);
      },
    });
    await expect(writeNumbered(path, 1, controller.signal)).rejects.toThrow(/timeout/);
    expect(read(lock)).toBe(faster);
    expect(readdirSync(join(path, '..'))).toEqual(['.evenkeel.lock']);
  });

  it('a lock that says nothing, is no obstacle for long', async () => {
    const path = join(makeFolder(), 'model.json');
    const lock = join(path, '../.evenkeel.lock');
    writeFileSync(lock, '');
    utimesSync(lock, new Date(), new Date(Date.now() - 10_000));
    await writeNumbered(path, 1);
    expect(leftIn(path)).toEqual([]);
  });
});
