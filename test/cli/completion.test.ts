/** @file What shells make of the command's completions: bash, zsh and fish themselves are asked. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, describe, it } from 'vitest';
import type { Shell } from '../../cli/src/completions.js';
import { evenkeel, makeFolder } from './files.js';

const folder = makeFolder(afterAll);

beforeAll(async () => {
  for (const shell of ['bash', 'zsh', 'fish'] satisfies Shell[]) {
    const { code, stdout, stderr } = await evenkeel(['completion', shell]);
    expect([code, stderr]).toEqual([0, '']);
    writeFileSync(join(folder, `completion.${shell}`), stdout);
  }
  mkdirSync(join(folder, 'files'));
  writeFileSync(join(folder, 'files', 'weights of mine.h5'), '');
});

const hasShell = (shell: Shell): boolean => spawnSync(shell, ['-c', 'exit']).status === 0;

function runShell(shell: Shell, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(shell, args, { cwd: join(folder, 'files'), encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
  return stdout;
}

/** Types a line and Tab; gives what the shell offers, or what it made of the line. */
const COMPLETE: Readonly<Record<Shell, (line: string) => string>> = {
  // The words as readline cuts them, at '=' too.
  bash: (line) =>
    runShell('bash', [
      '--norc',
      '-c',
      `source ../completion.bash
       COMP_WORDS=(${line.replaceAll('=', ' = ').replace(/ $/, " ''")})
       COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
       compopt() { echo "compopt $*"; }
       _evenkeel
       printf '%s\\n' "\${COMPREPLY[@]}"`,
    ]),
  zsh: (line) =>
    runShell('zsh', [
      '-f',
      '-c',
      `zmodload zsh/zpty
       zpty shell 'zsh -f -i'
       zpty -w shell 'autoload -Uz compinit; compinit -u -D; source ../completion.zsh; unset zle_bracketed_paste; PS1=rea""dy'
       zpty -r shell output '*ready*'
       zpty -w -n shell ${JSON.stringify(line)}$'\\t\\t'
       # Control-U takes the line back.
       zpty -w shell $'\\x15echo do""ne'
       zpty -r shell output '*done*'
       zpty -d shell
       print -r -- $output`,
    ]),
  fish: (line) => runShell('fish', ['--no-config', '-c', `source ../completion.fish; complete -C '${line}'`]),
};

const SHELLS = [
  { shell: 'bash', needs: [] },
  { shell: 'zsh', needs: ['shells'] },
  { shell: 'fish', needs: ['shells'] },
] as const;

describe.each(SHELLS)('$shell', ({ shell, needs }) => {
  const complete = COMPLETE[shell];

  it.skipIf(!hasShell(shell))(
    'completes commands, options, choices and names of files',
    { tags: [...needs] },
    () => {
      const commands = complete('evenkeel ');
      for (const name of ['inspect', 'unfreeze', 'completion', 'help']) expect(commands).toContain(name);
      expect(complete('evenkeel unf')).toContain('unfreeze');

      const options = complete('evenkeel inspect --ba');
      for (const name of ['--backend', '--batches', '--batch-size']) expect(options).toContain(name);
      expect(options).not.toContain('--json');
      expect(complete('evenkeel recalibrate model.h5 --tol')).toContain('--tolerance');
      expect(complete('evenkeel merge --ba')).not.toContain('--backend');

      const backends = complete('evenkeel fold --backend ');
      expect(backends).toMatch(/cpu[^]*wasm|wasm[^]*cpu/);
      expect(complete('evenkeel fold model.h5 out.keras --for=')).toMatch(/tf-keras/);
      expect(complete('evenkeel completion ')).toMatch(/fish/);
      expect(complete('evenkeel --ver')).toContain('--version');
    },
  );
});

describe.each(SHELLS.filter(({ shell }) => shell !== 'bash'))('$shell', ({ shell, needs }) => {
  it.skipIf(!hasShell(shell))(
    'completes names of files where there may be some',
    { tags: [...needs] },
    () => {
      const complete = COMPLETE[shell];
      expect(complete('evenkeel inspect wei')).toMatch(/weights(\\?.)of\1mine\.h5/);
      expect(complete('evenkeel inspect m.h5 --data wei')).toMatch(/weights(\\?.)of\1mine\.h5/);
      expect(complete('evenkeel completion wei')).not.toContain('mine');
    },
  );
});

describe('bash', () => {
  // Readline does it by itself where the function leaves it to it.
  it('leaves names of files to readline, where there may be some', () => {
    expect(COMPLETE.bash('evenkeel inspect wei')).toBe('\n');
    expect(COMPLETE.bash('evenkeel inspect m.h5 --data wei')).toBe('\n');
    expect(COMPLETE.bash('evenkeel inspect m.h5 --batches ')).toBe('compopt +o default\n\n');
    expect(COMPLETE.bash('evenkeel completion wei')).toBe('compopt +o default\n\n');
  });

  it('runs nothing of what was typed', () => {
    // In single quotes, as readline hands it over.
    expect(COMPLETE.bash(`evenkeel inspect '$(touch mark)' --ba`)).toContain('--backend');
    expect(runShell('bash', ['-c', 'ls'])).not.toContain('mark');
  });
});
