/** @file The fields of the JSON that the command prints, with their types and what their comments say of them. */
import ts from 'typescript';
import { ROOT } from './blocks.js';

export interface Field {
  /** Where it stands: `layers[].inputs.count`. */
  readonly path: string;
  readonly type: string;
  readonly meaning: string;
  /** Whether it may be left out. */
  readonly isOptional: boolean;
}

const FILE = `${ROOT}cli/src/printed-json.ts`;

/** By the command line that prints them; `lines` are those of `moments` and `merge`. */
export function printedFields(): Map<string, Field[]> {
  const { config } = ts.readConfigFile(`${ROOT}tsconfig.json`, (path) => ts.sys.readFile(path)) as {
    config: { compilerOptions: object };
  };
  const compilerOptions = { ...config.compilerOptions, lib: ['ES2023'], types: [] };
  const { options } = ts.parseJsonConfigFileContent({ compilerOptions, files: [] }, ts.sys, ROOT);
  const host = ts.createCompilerHost(options);
  // TF.js' types take seconds to read, and none of them can be printed.
  host.fileExists = (path) => !path.includes('/node_modules/') && ts.sys.fileExists(path);
  const program = ts.createProgram([FILE], options, host);
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(FILE)!;
  const exported = new Map(
    checker.getExportsOfModule(checker.getSymbolAtLocation(source)!).map((symbol) => [symbol.name, symbol]),
  );
  const typeNamed = (name: string) => checker.getDeclaredTypeOfSymbol(exported.get(name)!);
  const documents = typeNamed('PrintedJson')
    .getProperties()
    .map((line) => [line.name, fieldsOf(checker.getTypeOfSymbol(line), '', checker)] as const);
  return new Map([...documents, ['lines', fieldsOf(typeNamed('PrintedLine'), '', checker)]]);
}

function fieldsOf(type: ts.Type, prefix: string, checker: ts.TypeChecker): Field[] {
  return type.getProperties().flatMap((property) => {
    const path = `${prefix}${property.name}`;
    const own = checker.getTypeOfSymbol(property);
    const meaning = ts
      .displayPartsToString(property.getDocumentationComment(checker))
      .replaceAll(/\{@link (\w+)\}/g, '`$1`')
      .replaceAll(/\s+/g, ' ');
    const isOptional = (property.flags & ts.SymbolFlags.Optional) !== 0;
    const field = { path, type: describeType(own, checker), meaning, isOptional };
    const { inner, brackets } = innermost(own, checker);
    const fields = isRecord(inner, checker) ? fieldsOf(inner, `${path}${brackets}.`, checker) : [];
    return [field, ...fields];
  });
}

/** What a list is of, or lists of lists. */
function innermost(
  type: ts.Type,
  checker: ts.TypeChecker,
  brackets = '',
): { inner: ts.Type; brackets: string } {
  const some = checker.getNonNullableType(type);
  return checker.isArrayType(some)
    ? innermost(checker.getTypeArguments(some as ts.TypeReference)[0]!, checker, `${brackets}[]`)
    : { inner: some, brackets };
}

/** Whether a type has fields by names that are known. */
const isRecord = (type: ts.Type, checker: ts.TypeChecker): boolean =>
  (type.flags & ts.TypeFlags.Object) !== 0 || type.isIntersection()
    ? !checker.isArrayType(type) && type.getProperties().length > 0
    : false;

/** A type of more names than these is told as what they are, strings. */
const MOST_NAMES = 6;

const PRIMITIVES: readonly (readonly [ts.TypeFlags, string])[] = [
  [ts.TypeFlags.Null, 'null'],
  [ts.TypeFlags.StringLike, 'string'],
  [ts.TypeFlags.NumberLike, 'number'],
  [ts.TypeFlags.BooleanLike, 'boolean'],
];

/** A type in words: `array of number or null`. */
function describeType(type: ts.Type, checker: ts.TypeChecker): string {
  if (type.isStringLiteral()) return `"${type.value}"`;
  if (type.isUnion()) {
    const parts = type.types.filter(({ flags }) => (flags & ts.TypeFlags.Undefined) === 0);
    const isLong = parts.filter((part) => part.isStringLiteral()).length > MOST_NAMES;
    const names = parts.map((part) =>
      isLong && part.isStringLiteral() ? 'string' : describeType(part, checker),
    );
    // The compiler has them in the order in which it met them.
    return [...new Set(names)]
      .sort((a, b) => Number(a === 'null') - Number(b === 'null') || (a < b ? -1 : 1))
      .join(' or ');
  }
  const primitive = PRIMITIVES.find(([flag]) => (type.flags & flag) !== 0);
  if (primitive) return primitive[1];
  if (checker.isArrayType(type)) {
    const element = describeType(checker.getTypeArguments(type as ts.TypeReference)[0]!, checker);
    return `array of ${element.includes(' or ') ? `(${element})` : element}`;
  }
  const values = checker.getIndexInfosOfType(type)[0];
  return values ? `object of ${describeType(values.type, checker)}` : 'object';
}
