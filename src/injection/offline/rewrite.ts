/** Writes an injected object into the text it came from, keeping order and comments of all that injection leaves alone. */
import { type Document, isMap, isSeq, parseDocument } from 'yaml'
import { decodeTyped } from '../model/decode.ts'
import type { JsonObject } from '../model/members.ts'
import { createPatch, type Operation } from '../patch.ts'
import { writeYaml } from '../template/go/yaml-write.ts'
import { readYaml } from '../yaml/read.ts'
import type { KnownObject } from './known-object.ts'

/**
 * The text of a document with the changes that lead from the object it held to the injected one. Where these cannot be
 * made in place (the text uses anchors there, or spells names in another case), the object is written anew.
 */
export function rewriteInPlace(text: string, { before, after }: { before: KnownObject; after: JsonObject }): string {
  const document = parseDocument(text, { version: '1.1', uniqueKeys: false, keepSourceTokens: true })
  const edited = document.errors.length === 0 ? edit(document, createPatch(before.value, after)) : undefined
  return edited !== undefined && holds(edited, before, after) ? edited : writeYaml(after)
}

function edit(document: Document, operations: readonly Operation[]): string | undefined {
  try {
    for (const operation of operations) apply(document, operation)
    return document.toString({ lineWidth: 0 })
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
  const list = document.getIn(path.slice(0, -1))
  const index = Number(path.at(-1))
  if (operation.op === 'add' && isSeq(list)) list.items.splice(index, 0, document.createNode(operation.value))
  else document.setIn(path, replacement(document, operation.value))
  if (isMap(list)) list.flow = false
}

/** A new node, as a block even where the text around it is written in braces. */
function replacement(document: Document, value: unknown): unknown {
  return document.createNode(value)
}

const pathOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'))

/** Whether a text says what it should: read by our rules it must give the very object. */
function holds(text: string, { type }: KnownObject, wanted: JsonObject): boolean {
  const decoded = decodeTyped(type, readYaml(text, type), { unknownFields: 'keep' })
  return createPatch(decoded, decodeTyped(type, wanted, { unknownFields: 'keep' })).length === 0
}
