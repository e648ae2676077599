/** Writes an injected object into the text it came from, keeping order and comments of all that injection leaves alone. */
import { type Document, isMap, isSeq, parseDocument } from 'yaml'
import { decodeTyped } from '../model/decode.ts'
import type { JsonObject } from '../model/members.ts'
import { createPatch, type Operation } from '../patch.ts'
import { writeYaml } from '../template/go/yaml-write.ts'
import { readYaml } from '../yaml/read.ts'
import type { KnownObject } from './known-object.ts'

/**
 * The text of a document (YAML, or JSON) with the changes that lead from the object it held to the injected one. Where these cannot be
 * made in place (the text uses anchors there, or spells names in another case), the object is written anew.
 */
export function rewriteInPlace(text: string, { before, after }: { before: KnownObject; after: JsonObject }): string {
  if (isJson(text)) return `${JSON.stringify(after, null, 2)}\n`
  const edited = edit(text, createPatch(before.value, after))
  return edited !== undefined && holds(edited, { before, after }) ? edited : writeYaml(after)
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function edit(text: string, operations: readonly Operation[]): string | undefined {
  const document = parseDocument(text, { version: '1.1', uniqueKeys: false })
  if (document.errors.length > 0) return undefined
  try {
    for (const operation of operations) apply(document, operation)
    return document.toString({ lineWidth: 0, flowCollectionPadding: false, ...layoutOf(text) })
  } catch {
    // A path led through an alias or a scalar; the caller writes the object anew.
    return undefined
  }
}

function apply(document: Document, operation: Operation): void {
  const path = pathOf(operation.path)
  if (operation.op === 'remove') {
    document.deleteIn(path)
    return
  }
  unfold(document, path)
  const parent = document.getIn(path.slice(0, -1))
  if (operation.op === 'add' && isSeq(parent)) {
    parent.items.splice(Number(path.at(-1)), 0, document.createNode(operation.value))
  } else setIn(document, path, operation.value)
}

/** What is added seldom fits on a line in braces. */
function unfold(document: Document, path: readonly string[]): void {
  for (const i of path.keys()) {
    const node = i === 0 ? document.contents : document.getIn(path.slice(0, i))
    if (isMap(node) || isSeq(node)) node.flow = false
  }
}

/** Sets a member, with the maps around it where the text has none: the library would make ordered maps of them. */
function setIn(document: Document, path: readonly string[], value: unknown): void {
  const parent = path.slice(0, -1)
  if (parent.length === 0 || document.hasIn(parent)) document.setIn(path, document.createNode(value))
  else setIn(document, parent, { [path.at(-1) ?? '']: value })
}

const pathOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'))

/** Indentation as the text has it, so that its own lines stay as they are. */
function layoutOf(text: string): { indent: number; indentSeq: boolean } {
  const widths = [...text.matchAll(/^( +)[^\s#-]/gm)].map(([, spaces = '']) => spaces.length)
  const hasFlatLists = /^( *)[^\s#-][^\n]*:[ \t]*(?:#[^\n]*)?\r?\n\1- /m.test(text)
  return { indent: widths.length === 0 ? 2 : Math.min(...widths), indentSeq: !hasFlatLists }
}

/** Whether a text says what it should: read by our rules it must give the very object. */
function holds(text: string, { before, after }: { before: KnownObject; after: JsonObject }): boolean {
  const read = (json: unknown): unknown => decodeTyped(before.type, json, { unknownFields: 'keep' })
  try {
    return createPatch(read(readYaml(text, before.type)), read(after)).length === 0
  } catch {
    return false
  }
}
