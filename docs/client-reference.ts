/** The reference of `natsbus/client`, written from its docstrings. */
import ts from "typescript";
import { type Declaration, type Doc, docOf, exportedNames, readDeclarations } from "./client-declarations.ts";

const HEAD = `# The client: every export of \`natsbus/client\`

Generated from the docstrings in \`client/\`; do not edit. How to use it: [the message bus client](../client.md); what each error code means: [errors](../errors.md).
`;
const ORDER = ["class", "function", "constant", "interface", "type"];

/** Text of `docs/reference/client.md`. */
export function renderClientReference(): string {
  return renderReference(HEAD, exportedNames(), readDeclarations());
}

/** A page of some exports, and of the types they use. */
export function renderReference(
  head: string,
  exported: readonly string[],
  declarations: ReadonlyMap<string, readonly Declaration[]>,
): string {
  const used = usedBy(exported, declarations);
  const sections = (names: readonly string[]): string =>
    [...names]
      .sort(byKind(declarations))
      .map((name) => renderAll(declarations.get(name) ?? []))
      .join("");
  return `${head}${sections(exported)}\n# Types they use\n\nNot exported by name; they stand in the shapes above.\n${sections(used)}`;
}

/** Exported symbols without a docstring, and methods, fields and fields of fields of exported types without one. */
export function undocumentedExports(): readonly string[] {
  const declarations = readDeclarations();
  return exportedNames().flatMap((name) => {
    const found = declarations.get(name) ?? [];
    if (!found.some(({ doc }) => doc.text !== "")) return [name];
    return found.flatMap(({ node }) => undocumentedMembers(membersOf(node), name));
  });
}

function undocumentedMembers(members: readonly (ts.TypeElement | ts.ClassElement)[], path: string): string[] {
  return members.flatMap((member) => {
    const name = `${path}.${member.name?.getText()}`;
    const own = docOf(member).text === "" && isTelling(member) ? [name] : [];
    const isField = ts.isPropertySignature(member) || ts.isPropertyDeclaration(member);
    const below = isField && member.type !== undefined ? literalMembers(member.type) : [];
    return [...own, ...undocumentedMembers(below, name)];
  });
}

/** What a class inherits needs no words. */
function isTelling(member: ts.TypeElement | ts.ClassElement): boolean {
  return !(ts.canHaveModifiers(member) && ts.getModifiers(member)?.some(({ kind }) => kind === ts.SyntaxKind.OverrideKeyword));
}

function usedBy(exported: readonly string[], declarations: ReadonlyMap<string, readonly Declaration[]>): string[] {
  const found = new Set(exported);
  for (const name of found) {
    for (const { node } of declarations.get(name) ?? []) {
      for (const used of typeNamesIn(node)) if (declarations.has(used)) found.add(used);
    }
  }
  return [...found].filter((name) => !exported.includes(name));
}

/** Names of types in the public part of a declaration. */
function typeNamesIn(node: ts.Node): string[] {
  if (ts.isBlock(node) || isHidden(node)) return [];
  const own = ts.isTypeReferenceNode(node) && ts.isIdentifier(node.typeName) ? [node.typeName.text] : [];
  const below: string[] = [];
  ts.forEachChild(node, (child) => void below.push(...typeNamesIn(child)));
  return [...own, ...below];
}

function isHidden(node: ts.Node): boolean {
  if (!ts.isClassElement(node)) return false;
  const isPrivate = ts.canHaveModifiers(node) && ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword) === true;
  return isPrivate || (node.name !== undefined && ts.isPrivateIdentifier(node.name)) || ts.isConstructorDeclaration(node);
}

function byKind(declarations: ReadonlyMap<string, readonly Declaration[]>): (a: string, b: string) => number {
  const rank = (name: string): number => ORDER.indexOf(kindOf(declarations.get(name)?.[0]?.node));
  return (a, b) => rank(a) - rank(b) || (a < b ? -1 : 1);
}

function kindOf(node: ts.Node | undefined): string {
  if (node === undefined || ts.isInterfaceDeclaration(node)) return "interface";
  if (ts.isClassDeclaration(node)) return "class";
  if (ts.isFunctionDeclaration(node)) return "function";
  return ts.isVariableStatement(node) ? "constant" : "type";
}

/** A symbol, with all its overloads. */
function renderAll(found: readonly Declaration[]): string {
  const [first] = found;
  if (first === undefined) return "";
  const title = `\n## ${first.name}\n\n*${kindOf(first.node)}*`;
  const bodies = found.filter(({ doc }, index) => doc.text !== "" || index === 0).map(renderOne);
  return `${title} ${bodies.join("\n")}`;
}

function renderOne({ node, doc }: Declaration): string {
  const members = membersOf(node);
  const shape = members.length === 0 ? `\n${code(signatureOf(node))}` : "";
  const rows = members.filter((member) => !ts.isMethodDeclaration(member) && !ts.isMethodSignature(member)).map(renderRow);
  const table = rows.length === 0 ? "" : `\n| field | type | default | meaning |\n| --- | --- | --- | --- |\n${rows.join("\n")}\n`;
  const methods = members.filter((member) => ts.isMethodDeclaration(member) || ts.isMethodSignature(member)).map(renderMethod);
  return `${flat(doc.text)}\n${shape}${renderTags(doc)}${table}${methods.join("")}`;
}

function membersOf(node: ts.Node): readonly (ts.TypeElement | ts.ClassElement)[] {
  if (ts.isInterfaceDeclaration(node)) return node.members;
  if (ts.isClassDeclaration(node)) return publicMembers(node);
  return ts.isTypeAliasDeclaration(node) ? literalMembers(node.type) : [];
}

function publicMembers(node: ts.ClassDeclaration): ts.ClassElement[] {
  return node.members.filter((member) => !isHidden(member));
}

/** Fields of every object in an intersection or union. */
function literalMembers(type: ts.TypeNode): ts.TypeElement[] {
  if (ts.isTypeLiteralNode(type)) return [...type.members];
  return ts.isIntersectionTypeNode(type) || ts.isUnionTypeNode(type) ? type.types.flatMap(literalMembers) : [];
}

function renderRow(member: ts.TypeElement | ts.ClassElement): string {
  const doc = docOf(member);
  const isOptional = (ts.isPropertySignature(member) || ts.isPropertyDeclaration(member)) && member.questionToken !== undefined;
  const initial = ts.isPropertyDeclaration(member) ? member.initializer?.getText() : undefined;
  const type = "type" in member && member.type !== undefined ? (member.type as ts.TypeNode).getText() : (initial ?? "");
  const words = [flat(doc.text), ...(doc.tags["throws"] ?? []).map((text) => `Refused with ${flat(text)}.`)].filter((text) => text !== "");
  const fallback = flat(doc.tags["default"]?.[0] ?? "");
  return `| \`${member.name?.getText() ?? "()"}${isOptional ? "?" : ""}\` | ${cell(`\`${squeeze(type)}\``)} | ${cell(fallback)} | ${cell(words.join(" "))} |`;
}

function renderMethod(member: ts.TypeElement | ts.ClassElement): string {
  const doc = docOf(member);
  return `\n### ${member.name?.getText() ?? ""}\n${doc.text === "" ? "" : `\n${flat(doc.text)}\n`}\n${code(signatureOf(member))}${renderTags(doc)}`;
}

/** A declaration without docstring and body. */
function signatureOf(node: ts.Node): string {
  const body = "body" in node && node.body !== undefined ? (node.body as ts.Node) : undefined;
  const end = body === undefined ? node.getEnd() : body.getStart();
  const text = node.getSourceFile().text.slice(node.getStart(), end).trim();
  return text
    .replace(/^export /, "")
    .replace(/^async /, "")
    .replaceAll(/\/\*\*[\s\S]*?\*\/\s*/g, "");
}

function renderTags({ tags }: Doc): string {
  const params = (tags["param"] ?? []).map((text) => `- ${flat(text)}\n`).join("");
  const returns = (tags["returns"] ?? []).map((text) => `\nReturns ${flat(text)}.\n`).join("");
  const throws = (tags["throws"] ?? []).map((text) => `\nThrows ${flat(text)}.\n`).join("");
  const examples = (tags["example"] ?? []).map((text) => `\n${code(text)}`).join("");
  return `${params === "" ? "" : `\n${params}`}${returns}${throws}${examples}`;
}

function code(text: string): string {
  return `\`\`\`ts\n${text}\n\`\`\`\n`;
}

function flat(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}

function squeeze(text: string): string {
  return flat(text.replaceAll(/\/\*\*[\s\S]*?\*\//g, ""));
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
