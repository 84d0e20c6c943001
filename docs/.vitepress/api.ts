/** @file Makes the pages of the API, docs/api, from the comments of what the package exports. */
import {
  Application,
  Converter,
  OptionDefaults,
  type ProjectReflection,
  ReflectionKind,
  type SourceReference,
} from 'typedoc';
import { REPOSITORY, ROOT } from './project.js';

const ENTRIES = [
  'index',
  'core/index',
  'data/index',
  'tools/index',
  'keras/index',
  'distributed/index',
  'threads/index',
  'mpi/index',
];

/** Without what TypeScript and packages declare, such as an Error's fields: the repository has no such file to link to. */
const ofRepository = (sources: readonly SourceReference[] = []): SourceReference[] =>
  sources.filter(({ fileName }) => !fileName.includes('node_modules/'));

export async function makeApiPages(): Promise<void> {
  const application = await Application.bootstrapWithPlugins({
    entryPoints: ENTRIES.map((entry) => `${ROOT}src/${entry}.ts`),
    tsconfig: `${ROOT}tsconfig.build.json`,
    plugin: ['typedoc-plugin-markdown'],
    readme: 'none',
    name: 'API',
    out: `${ROOT}docs/api`,
    ...{
      outputFileStrategy: 'modules',
      entryFileName: 'index',
      hidePageHeader: true,
      hideBreadcrumbs: true,
    },
    // What a file holds, which is for those who read it.
    blockTags: [...OptionDefaults.blockTags, '@file'],
    excludeTags: ['@file'],
    excludePrivate: true,
    excludeInternal: true,
    excludeExternals: true,
    sourceLinkTemplate: `${REPOSITORY}/blob/main/{path}#L{line}`,
    gitRevision: 'main',
    disableGit: true,
    logLevel: 'Warn',
  });

  /** A module is called as it is imported. */
  application.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }: { project: ProjectReflection }) => {
    for (const module of project.getReflectionsByKind(ReflectionKind.Module)) {
      const folder = module.name.replace(/\/?index$/, '');
      module.name = folder === '' ? 'evenkeel' : `evenkeel/${folder}`;
    }
    for (const reflection of Object.values(project.reflections)) {
      if (reflection.isDeclaration() || reflection.isSignature())
        reflection.sources = ofRepository(reflection.sources);
    }
  });

  const project = await application.convert();
  if (project === undefined) throw new Error('TypeDoc could not read the sources.');
  await application.generateOutputs(project);
  if (application.logger.hasErrors()) throw new Error('TypeDoc found errors, which it printed.');
}
