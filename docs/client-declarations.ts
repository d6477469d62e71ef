/** The declarations behind `natsbus/client`, read from the sources by TypeScript's parser. No types are computed: what was written is what is shown. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";

/** A declaration with what its docstring says. */
export interface Declaration {
  readonly name: string;
  readonly node: ts.DeclarationStatement | ts.VariableStatement;
  readonly doc: Doc;
}

/** A docstring in parts. */
export interface Doc {
  readonly text: string;
  /** Values of tags by name, in order: `throws`, `default`, `param`, `returns`, `example`. */
  readonly tags: Readonly<Record<string, readonly string[]>>;
}

const ROOT = join(import.meta.dirname, "..");
const MORE = ["core/connection.ts", "core/errors.ts", "core/units.ts"];
const ENTRY = "client/index.ts";

/** Names that `natsbus/client` exports, in its order. */
export function exportedNames(): readonly string[] {
  const names: string[] = [];
  for (const statement of parse(ENTRY).statements) {
    if (!ts.isExportDeclaration(statement) || statement.exportClause === undefined || !ts.isNamedExports(statement.exportClause)) continue;
    names.push(...statement.exportClause.elements.map((element) => element.name.text));
  }
  return names;
}

function clientFiles(): string[] {
  const files = readdirSync(join(ROOT, "client")).filter((name) => name.endsWith(".ts") && name !== "index.ts");
  return [...files.sort().map((name) => `client/${name}`), ...MORE];
}

/** Names that a file itself exports, in its order. @param file path in the project */
export function namesExportedBy(file: string): readonly string[] {
  const exported = parse(file).statements.filter(
    (statement) =>
      ts.canHaveModifiers(statement) && ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true,
  );
  return exported.flatMap((statement) => nameOf(statement) ?? []);
}

/** Every declaration of some files by name; default: those of the client and of what it takes types from. */
export function readDeclarations(files: readonly string[] = clientFiles()): ReadonlyMap<string, readonly Declaration[]> {
  const found = new Map<string, Declaration[]>();
  for (const file of files) {
    for (const statement of parse(file).statements) {
      const name = nameOf(statement);
      if (name === undefined) continue;
      found.set(name, [...(found.get(name) ?? []), { name, node: statement as Declaration["node"], doc: docOf(statement) }]);
    }
  }
  return found;
}

/** What the comment before a node says. */
export function docOf(node: ts.Node): Doc {
  const tags: Record<string, string[]> = {};
  let text = "";
  for (const part of ts.getJSDocCommentsAndTags(node)) {
    if (!ts.isJSDoc(part)) continue;
    text = textOf(part.comment);
    for (const tag of part.tags ?? []) tags[tag.tagName.text] = [...(tags[tag.tagName.text] ?? []), tagText(tag)];
  }
  return { text, tags };
}

function tagText(tag: ts.JSDocTag): string {
  const text = textOf(tag.comment);
  return ts.isJSDocParameterTag(tag) ? `\`${tag.name.getText()}\`: ${text}` : text;
}

function textOf(comment: string | ts.NodeArray<ts.JSDocComment> | undefined): string {
  const text = typeof comment === "string" ? comment : (comment ?? []).map(linkText).join("");
  return text.trim();
}

function linkText(part: ts.JSDocComment): string {
  return ts.isJSDocLink(part) ? `\`${part.name?.getText() ?? ""}${part.text}\`` : part.text;
}

function nameOf(statement: ts.Statement): string | undefined {
  if (ts.isVariableStatement(statement)) {
    const [first] = statement.declarationList.declarations;
    return first !== undefined && ts.isIdentifier(first.name) ? first.name.text : undefined;
  }
  const isDeclared =
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isFunctionDeclaration(statement);
  return isDeclared ? statement.name?.text : undefined;
}

function parse(file: string): ts.SourceFile {
  return ts.createSourceFile(file, readFileSync(join(ROOT, file), "utf8"), ts.ScriptTarget.Latest, true);
}
